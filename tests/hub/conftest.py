"""What all tests of the hub use."""

from served_hub import hub

__all__ = ["hub"]
