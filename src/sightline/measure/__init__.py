"""A model on this machine: how fast, how much memory, by engine. Enter at `measure`."""

from sightline.measure.bars import draw_bars
from sightline.measure.engines import ENGINES, Engine, engines_like
from sightline.measure.figures import Figures, Report, Unavailable
from sightline.measure.machine import Machine
from sightline.measure.measuring import measure
from sightline.measure.photos import made_photos

__all__ = [
    "ENGINES",
    "Engine",
    "Figures",
    "Machine",
    "Report",
    "Unavailable",
    "draw_bars",
    "engines_like",
    "made_photos",
    "measure",
]
