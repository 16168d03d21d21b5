"""Enough pictures to certify a tower with, cut from the project's own photos. Enter at `crops`."""

import csv
from functools import cache
from io import BytesIO
from itertools import product
from pathlib import Path

from PIL import Image

from sightline.data import Example, Source
from tiny_embedder import source_of

PHOTOS = Path(__file__).parent.parent / "photos"
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
SIDE_PX = 72
STEP_PX = 17


@cache
def crops() -> tuple[Example, ...]:
    """Cut 64 overlapping parts of each photo, with a label and a caption of its own each."""
    with (PHOTOS / "demo-photos.csv").open(encoding="utf-8") as file:
        rows = [(row["path"], row["label"]) for row in csv.DictReader(file)]
    return tuple(example for path, label in rows for example in _parts(PHOTOS / path, label))


def photo_source(every: int = 1) -> Source:
    """Return the parts as a source, or a few of them."""
    return source_of(*crops()[::every], name="photos")


def _parts(path: Path, label: str) -> list[Example]:
    whole_px = SIDE_PX + STEP_PX * (len(NUMBERS) - 1)
    with Image.open(path) as photo:
        small = photo.convert("RGB").resize((whole_px, whole_px))
    found = []
    for row, column in product(range(len(NUMBERS)), repeat=2):
        left, top = column * STEP_PX, row * STEP_PX
        file = BytesIO()
        small.crop((left, top, left + SIDE_PX, top + SIDE_PX)).save(file, "PNG")
        caption = f"{label}, row {NUMBERS[row]}, part {NUMBERS[column]}"
        found.append(
            Example(
                key=f"{path.stem}-{row}{column}",
                image=file.getvalue(),
                texts=(caption,),
                label=label,
            )
        )
    return found
