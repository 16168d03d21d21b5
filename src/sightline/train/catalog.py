"""What a run's sources speak of: class names and captions, read once at the start."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.data import Source, open_source
from sightline.errors import DataError
from sightline.scoring.classes import fill
from sightline.shapes import Float32
from sightline.train.caption_words import LEAST_PICTURES
from sightline.train.recipe import Recipe, Relations, SourcePart
from sightline.train.wordbook import Spoken, Wordbook


@dataclass(frozen=True, slots=True)
class Catalog:
    """All the words of a run."""

    names: Mapping[str, tuple[str, ...]]  # source read by labels → its class names, sorted
    captions: tuple[tuple[str, ...], ...]  # of each captioned picture, in stored order
    book: Wordbook
    teacher: "Teacher | None"

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every name of a class or of the teacher, once."""
        taught = self.teacher.names if self.teacher else ()
        return tuple(
            sorted({name for names in self.names.values() for name in names} | set(taught))
        )

    def prompts(self, templates: Sequence[str]) -> Iterator[str]:
        """Give each class name and each word of the book in each template."""
        for names in (*self.names.values(), self.book.counts, self.book.names):
            for name in names:
                for template in templates:
                    yield fill(template, name)

    def every_caption(self) -> Iterator[str]:
        """Give all captions one by one."""
        for captions in self.captions:
            yield from captions


@dataclass(frozen=True, slots=True)
class Teacher:
    """Text vectors of a published model for some names: centred, of unit length."""

    names: tuple[str, ...]
    vectors: Float32[np.ndarray, "captions embed_dim"]


def survey(recipe: Recipe, sources: Mapping[str, Source]) -> Catalog:
    """Read every source once for its words.

    Raises:
        DataError: A source that is read by labels has none; or a source lacks what its broader
            names take in; or a stage learns words and there are none.
    """
    spoken = [_read_words(part, sources[part.name]) for part in recipe.sources]
    return Catalog(
        names={s.part.name: tuple(sorted(s.labels)) for s in spoken if s.labels},
        captions=tuple(tuple(texts) for source in spoken for texts in source.captions),
        book=_open_book(recipe, spoken),
        teacher=None if recipe.relations is None else _read_teacher(recipe.relations),
    )


def _open_book(recipe: Recipe, spoken: Sequence[Spoken]) -> Wordbook:
    """Hold the broader names against the sources, and keep the words if any stage learns them."""
    learnt = {"words", "all_words"} & {loss for stage in recipe.stages for loss in stage.losses}
    if not (learnt or any(part.broader for part in recipe.sources)):
        return Wordbook([])
    book = Wordbook(spoken)
    if not book.names or ("words" in learnt and not book.counts):
        raise DataError(
            "a stage learns words, and no word is in the captions of "
            f"{LEAST_PICTURES} pictures or more: leave the loss out, or give a source broader names"
        )
    return book if learnt else Wordbook([])


def _read_words(part: SourcePart, source: Source) -> Spoken:
    if part.reads == "captions":
        return Spoken(part, {}, [example.texts for example in source if example.texts])
    labels = Counter(str(example.label) for example in source if example.label is not None)
    if len(labels) < 2:
        raise DataError(
            f"source {part.name!r} is read by labels and has {len(labels)}: "
            "read it by captions, or give it labels"
        )
    return Spoken(part, labels, [])


def open_parts(parts: Sequence[SourcePart]) -> dict[str, Source]:
    """Open the sources of a recipe by name."""
    return {part.name: open_source(part.uri, name=part.name) for part in parts}


def _read_teacher(relations: Relations) -> Teacher:
    try:
        with np.load(Path(relations.file), allow_pickle=False) as arrays:
            names = [str(name).replace("_", " ") for name in arrays[relations.names]]
            vectors = np.asarray(arrays[relations.vectors], dtype=np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"relations file {relations.file} cannot be read: {error}") from error
    if vectors.ndim != 2 or len(names) != len(vectors):
        raise DataError(
            f"relations file {relations.file} has {len(names)} names and vectors of shape "
            f"{vectors.shape}: give one vector a name"
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise DataError(
            f"relations file {relations.file} has a vector that is zero or not finite: mend it"
        )
    vectors /= lengths
    vectors -= vectors.mean(axis=0)  # text vectors share a large common part that says nothing
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Teacher(names=tuple(names), vectors=vectors)
