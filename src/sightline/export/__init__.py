"""A model as a folder that runs where Sightline is not. Enter at `export`, and at `share`."""

from sightline.export.exporting import Exported, export
from sightline.export.plan import Plan
from sightline.export.sharing import Shared, share

__all__ = ["Exported", "Plan", "Shared", "export", "share"]
