"""To be written: the model floor."""
