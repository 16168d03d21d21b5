"""All that one model makes of a source: its pictures, texts and classes as vectors. Enter at `see`.

Vectors of the whole source are kept, pictures are not but for the first few.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec
import numpy as np

from sightline.data import Example, Source
from sightline.embedder import Embedder
from sightline.errors import CertificateError, TextError
from sightline.evaluate.figures import Described
from sightline.evaluate.gather import OnProgress, gather
from sightline.shapes import Float32

TEXTS_AT_ONCE = 512  # between two reports of progress
MOST_PROMPTS = 200  # captions that stand in for class names where there are none
PROBES = 16  # pictures kept, and texts chosen, to be embedded in other batches: a micro-batch
_KEPT = 2 * PROBES  # some may be unreadable


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one embedder made of a source."""

    examples: tuple[Described, ...]
    images: Float32[np.ndarray, "images embed_dim"]
    texts: tuple[str, ...]  # captions and labels as they stand, each once
    text_vectors: Float32[np.ndarray, "captions embed_dim"]
    labels: tuple[str, ...]  # those that occur, sorted
    prompts: Float32[np.ndarray, "classes embed_dim"]  # labels, or some captions, in the template
    unread: tuple[str, ...]  # keys of pictures that have no vector
    different: int  # pictures with a vector whose files differ
    probes: tuple[bytes, ...]  # the first few pictures with a vector
    content_digest: str


@dataclass(frozen=True, kw_only=True)
class _Watched:
    """A source, with note taken of its files as they pass."""

    source: Source
    files: set[bytes] = field(default_factory=set)  # digests
    first: list[tuple[str, bytes]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Example]:
        for example in self.source:
            self.files.add(sha256(example.image).digest())
            if len(self.first) < _KEPT:
                self.first.append((example.key, example.image))
            yield example

    def probes(self, unread: Sequence[str]) -> tuple[bytes, ...]:
        """Return the first pictures that were read."""
        missing = set(unread)
        return tuple(image for key, image in self.first if key not in missing)[:PROBES]


def see(embedder: Embedder, source: Source, on_progress: OnProgress | None = None) -> Seen:
    """Embed a source's pictures, its texts, and its classes in the model's own template.

    Args:
        embedder: Its kept class vectors are left alone: they may be another tower's.
        source: Read once.
        on_progress: Called with the number of pictures or texts done since its last call.

    Raises:
        CertificateError: No picture can be read, or a text has no vector.
        DataError: The source holds no example.
    """
    embedder = msgspec.structs.replace(embedder, cache=None)
    watched = _Watched(source=source)
    gathered = gather(embedder, watched, on_progress)
    if not gathered.examples:
        first = gathered.skipped[0]
        raise CertificateError(
            f"{source.name} gave no picture that has a vector ({first.key}: {first.reason}): "
            "measure on another source, or mend the model"
        )
    texts = tuple(dict.fromkeys(text for one in gathered.examples for text in one.texts))
    labels = tuple(sorted({one.label for one in gathered.examples if one.label is not None}))
    try:
        vectors = _embed_texts(embedder, texts, on_progress)
        prompts = embedder.zero_shot(labels or texts[:MOST_PROMPTS], long="cut").vectors
    except TextError as error:
        raise CertificateError(
            f"the texts of {source.name} cannot be embedded ({error}): correct them, or mend the "
            "model"
        ) from error
    unread = tuple(skip.key for skip in gathered.skipped)
    return Seen(
        examples=gathered.examples,
        images=gathered.vectors,
        texts=texts,
        text_vectors=vectors,
        labels=labels,
        prompts=prompts,
        unread=unread,
        different=max(0, len(watched.files) - len(unread)),
        probes=watched.probes(unread),
        content_digest=gathered.content_digest,
    )


def _embed_texts(
    embedder: Embedder, texts: Sequence[str], on_progress: OnProgress | None
) -> Float32[np.ndarray, "captions embed_dim"]:
    """Embed texts, some hundreds at once, and say how far it has come."""
    vectors = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        part = texts[start : start + TEXTS_AT_ONCE]
        vectors.append(embedder.embed_texts(part, long="cut"))
        if on_progress is not None:
            on_progress(len(part))
    return np.concatenate(vectors)
