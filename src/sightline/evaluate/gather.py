"""One pass over a source: its images as unit vectors, with all that metrics ask of them.

Enter at `gather`. Images are encoded as they come and dropped; vectors, labels, captions and
groups stay, because ranks need all of them at once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sightline.data import Example
from sightline.embedder import Embedder
from sightline.evaluate.figures import Described
from sightline.evaluate.identity import digest, example_digest
from sightline.evaluate.result import Skip
from sightline.shapes import Float32

OnProgress = Callable[[int], object]  # given the number of images done since its last call


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """A source, embedded: row i of `vectors` belongs to `examples[i]`."""

    examples: tuple[Described, ...]
    vectors: Float32[np.ndarray, "images embed_dim"]
    skipped: tuple[Skip, ...]  # images that could not be read
    content_digest: str  # of the examples that were read


def gather(
    embedder: Embedder, source: Iterable[Example], on_progress: OnProgress | None = None
) -> Gathered:
    """Embed every image of a source; one that cannot be read is listed with its reason."""
    waiting: deque[tuple[Described, str]] = deque()

    def images() -> Iterator[tuple[str, bytes]]:
        for example in source:
            described = Described(
                key=example.key, texts=example.texts, label=example.label, group=example.group
            )
            items = sorted(example.group.items())
            content = example_digest(
                example.key, example.image, example.texts, example.label, items
            )
            waiting.append((described, content))
            yield example.key, example.image

    examples, vectors, contents, skipped = [], [], [], []
    for _, outcome in embedder.stream(images()):  # one outcome for each image, in order
        described, content = waiting.popleft()
        if isinstance(outcome, np.ndarray):
            examples.append(described)
            vectors.append(outcome)
            contents.append(content)
        else:
            skipped.append(Skip(key=described.key, reason=outcome.reason))
        if on_progress is not None:
            on_progress(1)
    empty = np.empty((0, embedder.spec.embed_dim), dtype=np.float32)
    return Gathered(
        examples=tuple(examples),
        vectors=np.stack(vectors) if vectors else empty,
        skipped=tuple(skipped),
        content_digest=digest(contents),
    )
