"""Spec and weights → two towers that run. Enter at `open_towers`."""

from sightline.runtime.export import export_graphs
from sightline.runtime.towers import Towers, open_towers

__all__ = ["Towers", "export_graphs", "open_towers"]
