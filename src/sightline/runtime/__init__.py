"""To be written: the runtime floor."""
