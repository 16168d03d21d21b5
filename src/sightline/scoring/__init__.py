"""From vectors to meaning, in NumPy only. Enter at `ZeroShotHead` and `class_vectors`."""

from sightline.scoring.classes import Class, Labels, as_classes, as_templates
from sightline.scoring.heads import Head
from sightline.scoring.label_files import read_labels
from sightline.scoring.presence import Calibration
from sightline.scoring.templates import TEMPLATES
from sightline.scoring.vectors import class_vectors, similarity
from sightline.scoring.zero_shot import Classification, ZeroShotHead

__all__ = [
    "TEMPLATES",
    "Calibration",
    "Class",
    "Classification",
    "Head",
    "Labels",
    "ZeroShotHead",
    "as_classes",
    "as_templates",
    "class_vectors",
    "read_labels",
    "similarity",
]
