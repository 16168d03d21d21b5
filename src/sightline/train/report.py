"""What a run was and what came of it, as one page that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path

from sightline.data import Source, Tally
from sightline.train.recipe import Recipe

REPORT = "report.html"


def write_report(recipe: Recipe, folder: Path, watched: Sequence[Source], skipped: Tally) -> None:
    """Write it."""
