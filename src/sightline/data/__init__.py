"""To be written: the data floor."""
