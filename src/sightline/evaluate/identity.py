"""What a figure was measured on and how, so that two figures can be compared. Enter at `Identity`.

A number without these is not a result: the same model scores differently with other templates,
another list of classes, another precision or other images under the same name.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib.metadata import version
from typing import Literal

import msgspec

from sightline.errors import DataError

# Raise this when a definition below changes: figures of two definitions are never compared.
DEFINITIONS = "sightline-1"
MEANING = {
    "acc1": "share of images whose right class scores above every other class",
    "acc5": "share of images whose right class has fewer than five others at or above it",
    "mean_per_class_recall": "acc1 of each class that occurs, averaged over the classes",
    "image_retrieval_recall@k": (
        "text→image: share of captions whose own image has fewer than k others at or above it"
    ),
    "text_retrieval_recall@k": (
        "image→text: share of images with any own caption among the first k; other images' "
        "captions that score the same stand before it"
    ),
}

Task = Literal["zeroshot_classification", "zeroshot_retrieval"]  # CLIP_benchmark's names


class Protocol(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the question was put to the model."""

    task: Task
    definitions: str  # of the metrics: DEFINITIONS when it was measured
    templates: str  # for a reader: the model's own, a name in scoring.TEMPLATES, or "none"
    templates_digest: str  # of the templates themselves
    classes: int  # 0 for retrieval
    classes_digest: str  # of names, aliases and prompts, in any order
    classes_from: Literal["labels", "given", "none"]  # labels: those that occur in the source


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that has to be equal for two figures to be the same measurement."""

    fingerprint: str  # of the model
    runtime: str
    precision: str
    uri: str  # as it was given
    images: int
    content_digest: str  # of keys, images, texts, labels and groups, in any order
    protocol: Protocol
    sightline: str  # version of this package

    def __post_init__(self) -> None:
        if not self.fingerprint:
            raise DataError("a result needs the fingerprint of its model: give the embedder one")


def digest(names: Iterable[str]) -> str:
    """Return one sha256 for a collection of texts, whatever their order."""
    single = sorted(sha256(name.encode()).digest() for name in names)
    return sha256(b"".join(single)).hexdigest()


def example_digest(
    key: str, image: bytes, texts: Sequence[str], label: str | None, group: Iterable[object]
) -> str:
    """Return the sha256 of one example; `group` is its sorted items."""
    described = msgspec.json.encode(
        [key, sha256(image).hexdigest(), list(texts), label, list(group)]
    )
    return sha256(described).hexdigest()


def package_version() -> str:
    """Return the version of the installed package."""
    return version("sightline")
