"""To be written: the spec floor."""
