"""How fast do JPEG files become pixels, and what does having them decoded smaller cost?

Run `python benchmarks/pictures.py`; `--tiny` only proves that it runs; `--json` prints one line for
each contestant. Every photo of `photos/` is enlarged to the size of a camera's or a phone's files,
each contestant turns all of them into 224 × 224 pixels with one thread, and rounds are interleaved.
The drift is that of the numbers, in steps of 255, from Pillow's whole picture.

It needs transformers, for its processor on Pillow.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from setting import at_least_one, setting

from sightline import images
from sightline.spec.architectures import architecture

PHOTOS = Path(__file__).resolve().parents[1] / "photos"
RECIPE = architecture("ViT-B-32").pixels
SIZES: Mapping[str, tuple[int, int]] = {"640 × 480": (640, 480), "12 megapixels": (4032, 3024)}
Contestant = Callable[[bytes], np.ndarray]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="two photos, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--rounds", type=at_least_one, default=7)
    asked = parser.parse_args()
    where = setting(("sightline", "pillow", "transformers"))
    paths = sorted(PHOTOS.glob("*.jpg"))[: 2 if asked.tiny else None]
    for size in SIZES:
        photos = [enlarged(path, SIZES[size]) for path in paths]
        for line in results(size, photos, 1 if asked.tiny else asked.rounds):
            print(json.dumps(line | where) if asked.json else table_row(line))
    return 0


def enlarged(path: Path, size: tuple[int, int]) -> bytes:
    """Return a photo as a file of that size."""
    file = BytesIO()
    Image.open(path).resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=90)
    return file.getvalue()


def contestants() -> Mapping[str, Contestant]:
    return {
        "sightline": lambda file: RECIPE.square(*images.read_reduced(file, RECIPE.reduction)),
        "sightline, as small as twice allows": partial(shrunk, times=2),
        "sightline, as small as once allows": partial(shrunk, times=1),
        "sightline, whole": lambda file: RECIPE.square(images.read(file)),
        "transformers, Pillow": transformers(),
    }


def shrunk(file: bytes, times: int) -> np.ndarray:
    """Leave so many times the size that is asked for, whatever the photo's own."""

    def reduction(height: int, width: int) -> int:
        return max(by for by in (1, 2, 4, 8) if by == 1 or min(height, width) >= by * times * 224)

    return RECIPE.square(*images.read_reduced(file, reduction))


def transformers() -> Contestant:
    sys.modules["torchvision"] = None  # type: ignore[assignment] # its build fits no CPU torch
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    processor = CLIPImageProcessorPil()

    def processed(file: bytes) -> np.ndarray:
        pixels = processor(Image.open(BytesIO(file)), return_tensors="np")["pixel_values"][0]
        return np.asarray(pixels)

    return processed


def results(size: str, photos: Sequence[bytes], rounds: int) -> Iterator[dict[str, Any]]:
    entered = contestants()
    seconds: dict[str, list[float]] = {name: [] for name in entered}
    for _ in range(rounds):
        for name, contestant in entered.items():
            start = time.perf_counter()
            for photo in photos:
                contestant(photo)
            seconds[name].append((time.perf_counter() - start) / len(photos))
    whole = [RECIPE.square(images.read(photo)).astype(int) for photo in photos]
    for name, contestant in entered.items():
        slower = zip(seconds["transformers, Pillow"], seconds[name], strict=True)
        line: dict[str, Any] = {"question": "JPEG files to pixels", "size": size}
        line |= {"contestant": name, "rounds": rounds}
        line["ms"] = round(1000 * statistics.median(seconds[name]), 2)
        line["times_transformers"] = round(statistics.median(a / b for a, b in slower), 2)
        if name.startswith("sightline"):
            pairs = zip(photos, whole, strict=True)
            moved = [np.abs(contestant(photo) - there) for photo, there in pairs]
            line["drift_mean"] = round(float(np.mean(moved)), 3)
            line["drift_max"] = int(np.max(moved))
        yield line


def table_row(line: Mapping[str, Any]) -> str:
    drift = (
        f"drift {line['drift_mean']}, at most {line['drift_max']}" if "drift_max" in line else ""
    )
    return (
        f"{line['size']:14} {line['contestant']:36} {line['ms']:8} ms a photo  "
        f"× transformers {line['times_transformers']:5}  {drift.format(**line)}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
