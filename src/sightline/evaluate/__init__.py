"""To be written: the evaluate floor."""
