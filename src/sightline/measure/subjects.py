"""The calls that are timed, all of them as users make them. Enter at `subjects`."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from sightline.embedder import Embedder, Skipped
from sightline.errors import ImageError

BATCHES = (1, 16)
PICTURE = "one picture"
Call = Callable[[], int]  # does it once; returns how many were done

_WORDS = ("dog", "cat", "boat", "house", "flower", "child", "street", "mountain", "river", "car")


def subjects(embedder: Embedder, files: Mapping[str, Sequence[Path]]) -> dict[str, Call]:
    """Return what is timed, by its name.

    Args:
        embedder: An opened model.
        files: What they are → pictures on disk; those of the first are also read one by one.
    """
    size = embedder.spec.pixels.size_px
    pixels = np.random.default_rng(0).standard_normal((max(BATCHES), 3, size, size))
    first = next(iter(files.values()))
    found: dict[str, Call] = {}
    for batch in BATCHES:
        rows = np.ascontiguousarray(pixels[:batch], dtype=np.float32)
        found[f"images {batch}"] = partial(_images, embedder, rows)
        found[f"texts {batch}"] = partial(_texts, embedder, captions(batch))
    found[PICTURE] = partial(_files, embedder, first[:1])
    return found | {f"files {kind}": partial(_files, embedder, own) for kind, own in files.items()}


def captions(count: int) -> list[str]:
    """Return captions of eight words, each another."""
    pairs = [(_WORDS[k % len(_WORDS)], _WORDS[(k + 3) % len(_WORDS)]) for k in range(count)]
    return [f"photo {k} of a {one} beside a {other}" for k, (one, other) in enumerate(pairs)]


def _images(embedder: Embedder, rows: np.ndarray) -> int:
    """Put pixels through the image tower."""
    return len(embedder.towers.image(rows))


def _texts(embedder: Embedder, texts: Sequence[str]) -> int:
    """Turn texts into vectors; a model with short rows cuts them."""
    return len(embedder.embed_texts(texts, long="cut"))


def _files(embedder: Embedder, paths: Sequence[Path]) -> int:
    """Turn files into vectors, threads reading ahead."""
    found = list(embedder.stream(paths))
    for path, vector in found:
        if isinstance(vector, Skipped):
            raise ImageError(f"{path} cannot be measured with: {vector.reason}")
    return len(found)


def peak_mb() -> float | None:
    """Return the highest resident memory of this process; None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # there `getrusage` counts the process that started this one as well
        lines = status.read_text(encoding="utf-8").splitlines()
        [line] = [line for line in lines if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024 / 1e6
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes, on macOS
