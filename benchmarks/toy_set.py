"""A few labelled photos, on which a benchmark only proves that it runs. Enter at `toy_set`."""

from pathlib import Path

from PIL import Image

PHOTOS = Path(__file__).resolve().parents[1] / "photos"
LABELS = ("cat", "dog", "duck")
CROPS = 5  # of each photo, so that each fold of five has some


def toy_set(place: Path) -> Path:
    """Write crops of three photos as a folder with a sub-folder a label."""
    for label in LABELS:
        (place / label).mkdir(parents=True)
        with Image.open(PHOTOS / f"{label}.jpg") as photo:
            for number in range(CROPS):
                box = (number, number, photo.width - number, photo.height - number)
                photo.crop(box).save(place / label / f"{number}.png")
    return place
