"""Is this model still itself, and are its other towers? Enter at `check` and `certify`."""

from sightline.verify.canaries import Canaries, make, read_canaries, write_canaries
from sightline.verify.certifying import certify
from sightline.verify.check import check
from sightline.verify.findings import Findings, Note

__all__ = [
    "Canaries",
    "Findings",
    "Note",
    "certify",
    "check",
    "make",
    "read_canaries",
    "write_canaries",
]
