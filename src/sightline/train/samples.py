"""A few pictures from a source with what the model says of them. Enter at `show_samples`."""

import base64
import heapq
import zlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from sightline import images
from sightline.data import Example, Source
from sightline.embedder import Embedder
from sightline.errors import ImageError

MOST = 8  # pictures of a source
_MOST_CAPTIONS = 500  # to choose among
_EDGE_PX = 128


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture."""

    picture: str  # a data: address
    truth: str
    guesses: tuple[tuple[str, float], ...]  # label and share, or caption and cosine; best first
    is_right: bool


def show_samples(embedder: Embedder, source: Source) -> list[Sample]:
    """Let the model say what some pictures show: the same ones each time.

    Where a picture has a label, the guesses are labels of the source; else captions of its
    pictures.
    """
    chosen: list[tuple[int, int, Example]] = []  # those whose key has the smallest checksums
    labels: set[str] = set()
    captions: dict[str, None] = {}
    for number, example in enumerate(source):
        entry = (-zlib.crc32(example.key.encode()), -number, example)
        (heapq.heappush if len(chosen) < MOST else heapq.heappushpop)(chosen, entry)
        if example.label is not None:
            labels.add(example.label)
        elif len(captions) < _MOST_CAPTIONS:
            captions[example.texts[0]] = None
    examples = [example for _, _, example in sorted(chosen, key=lambda entry: -entry[1])]
    seen = [(example, rgb) for example in examples if (rgb := _read(example)) is not None]
    labelled = [pair for pair in seen if pair[0].label is not None and len(labels) > 1]
    captioned = [pair for pair in seen if pair[0].label is None]
    for example, _ in captioned:
        captions[example.texts[0]] = None
    samples = _by_labels(embedder, labelled, sorted(labels)) if labelled else []
    return samples + (_by_captions(embedder, captioned, list(captions)) if captioned else [])


def _by_labels(
    embedder: Embedder, seen: list[tuple[Example, np.ndarray]], labels: list[str]
) -> list[Sample]:
    answer = embedder.classify([rgb for _, rgb in seen], labels)
    samples = []
    for (example, rgb), shares in zip(seen, answer.scores, strict=True):
        best = [(labels[i], float(shares[i])) for i in np.argsort(-shares, kind="stable")[:5]]
        truth = str(example.label)
        samples.append(Sample(_thumbnail(rgb), truth, tuple(best), best[0][0] == truth))
    return samples


def _by_captions(
    embedder: Embedder, seen: list[tuple[Example, np.ndarray]], captions: list[str]
) -> list[Sample]:
    vectors = embedder.embed_images([rgb for _, rgb in seen])
    cosines = vectors @ embedder.embed_texts(captions, long="cut").T
    samples = []
    for (example, rgb), row in zip(seen, cosines, strict=True):
        best = [(captions[i], float(row[i])) for i in np.argsort(-row, kind="stable")[:3]]
        right = best[0][0] in example.texts
        samples.append(Sample(_thumbnail(rgb), example.texts[0], tuple(best), right))
    return samples


def _read(example: Example) -> np.ndarray | None:
    """Read a picture; a bad one was counted by the evaluation."""
    try:
        return images.read(example.image)
    except ImageError:
        return None


def _thumbnail(rgb: np.ndarray) -> str:
    picture = Image.fromarray(rgb)
    picture.thumbnail((_EDGE_PX, _EDGE_PX))
    file = BytesIO()
    picture.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
