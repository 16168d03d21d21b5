"""Is this model still itself? Enter at `check`, `write_canaries`."""

from sightline.verify.canaries import Canaries, make, read_canaries, write_canaries
from sightline.verify.check import check
from sightline.verify.findings import Findings, Note

__all__ = ["Canaries", "Findings", "Note", "check", "make", "read_canaries", "write_canaries"]
