"""To be written: the cli floor."""
