"""To be written: the scoring floor."""
