"""What a command did."""

from typing import NamedTuple


class Ran(NamedTuple):
    """Exit code and both streams."""

    code: int
    out: str
    err: str
