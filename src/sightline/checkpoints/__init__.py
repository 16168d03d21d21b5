"""To be written: the checkpoints floor."""
