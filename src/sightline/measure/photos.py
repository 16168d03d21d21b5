"""Photos to measure with, where nobody gives any. Enter at `made_photos`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

# width × height, and how many are different; enough are read for a batch in any case
SIZES: Mapping[str, tuple[tuple[int, int], int]] = {
    "640 × 480": ((640, 480), 8),
    "12 megapixels": ((4032, 3024), 2),
}
READ = 16  # files a time: a whole micro-batch
QUALITY = 90  # of a camera's files


def made_photos(folder: Path) -> dict[str, list[Path]]:
    """Write JPEG files as cameras and phones do, as hard to decode as those.

    Returns:
        What they are → `READ` paths, the same ones again where there are fewer files.
    """
    made = {}
    for kind, (size, count) in SIZES.items():
        paths = [folder / f"{size[0]}-{number}.jpg" for number in range(count)]
        for number, path in enumerate(paths):
            _photo(size, number).save(path, "JPEG", quality=QUALITY)
        made[kind] = [paths[place % count] for place in range(READ)]
    return made


def _photo(size: tuple[int, int], seed: int) -> Image.Image:
    """Draw soft shapes under grain: 0.09 to 0.14 bytes a pixel, as photos have."""
    draw = np.random.default_rng(seed)
    shapes = Image.fromarray(draw.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    smooth = np.asarray(shapes.resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
    grain = draw.integers(-6, 7, (size[1], size[0], 1), dtype=np.int16)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))
