"""To be written: the train floor."""
