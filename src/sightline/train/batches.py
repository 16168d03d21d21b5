"""Examples on their way into a step: decoded once, kept small, grouped by source."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import msgspec
import numpy as np

from sightline import images
from sightline.data import Example, Mixture, Part, Skipped, Source, Tally, decode_ahead
from sightline.data.example import Counted
from sightline.errors import DataError
from sightline.shapes import UInt8
from sightline.spec.pixels import PixelRecipe
from sightline.train.recipe import Recipe, SourcePart

KEPT_BYTES = 4 * 2**30  # decoded pictures in memory; beyond it a picture is decoded each time
BAD_IN_A_ROW = 200  # examples of one source: so many show that none of it is of use
_WORKERS = 2
_SKIPPED = "skipped_here"  # beside the mixture's own position, in the saved one


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of a batch that come from one source."""

    part: SourcePart
    rows: range
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of one step, the sources one after another."""

    pictures: UInt8[np.ndarray, "images height width 3"]
    groups: tuple[Group, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Which examples these are."""
        return tuple(example.key for group in self.groups for example in group.examples)


class PictureStore:
    """Decodes a picture to a small square and keeps it; called from several threads.

    The square is what the model sees of a picture later, by its own recipe.
    """

    def __init__(self, pixels: PixelRecipe, limit_bytes: int = KEPT_BYTES) -> None:
        self._pixels = pixels
        self._room = limit_bytes // (pixels.size_px * pixels.size_px * 3)
        self._kept: dict[tuple[str, str], UInt8[np.ndarray, "height width 3"]] = {}
        self._lock = threading.Lock()

    def __call__(self, example: Example) -> UInt8[np.ndarray, "height width 3"]:
        """Return the picture as a square of 8-bit numbers; random crops vary its shape again."""
        name = (example.source, example.key)
        kept = self._kept.get(name)
        if kept is not None:
            return kept
        small = self._pixels.square(images.read(example.image))
        with self._lock:
            if len(self._kept) < self._room:
                self._kept[name] = small
        return small


class BatchStream:
    """Batches without end, with a position; use it in a `with`."""

    def __init__(self, recipe: Recipe, sources: Mapping[str, Source]) -> None:
        self._parts = {part.name: part for part in recipe.sources}
        self._mixture = Mixture(
            [Part(sources[part.name], part.share) for part in recipe.sources], seed=recipe.seed
        )
        self._store = PictureStore(
            msgspec.structs.replace(recipe.spec.pixels, size_px=recipe.augment.store_px)
        )
        self._tally = Tally()  # what could be read from its source, but is of no use here
        self._in_a_row = dict.fromkeys(self._parts, 0)
        self._ahead: Any = None

    def __enter__(self) -> "BatchStream":
        """Begin to read ahead."""
        self._ahead = decode_ahead(self._mixture, self._store, _WORKERS, state=self._mixture.state)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the threads."""
        self._ahead.close()

    def restore(self, state: Mapping[str, object]) -> None:
        """Go to a saved position; before the stream is entered.

        Raises:
            DataError: It was saved on other sources, shares or with another seed.
        """
        own = {key: value for key, value in state.items() if key != _SKIPPED}
        self._mixture.restore(own)
        self._tally.restore(msgspec.convert(state.get(_SKIPPED, {}), dict[str, Counted]))

    def state(self) -> dict[str, object]:
        """Return the position after the last batch that was drawn."""
        position: dict[str, object] = self._ahead.state()
        return {**position, _SKIPPED: msgspec.to_builtins(self._tally.kinds())}

    @staticmethod
    def skipped(state: Mapping[str, object]) -> Tally:
        """Return what was passed by up to a position, each input once."""
        tally = Tally()
        for key in ("skipped", _SKIPPED):
            part = Tally()
            part.restore(msgspec.convert(state.get(key, {}), dict[str, Counted]))
            tally.merge(part)
        return tally

    def draw(self, count: int) -> Batch:
        """Return the next `count` pictures of use; others are counted and passed by.

        Raises:
            DataError: A source gives nothing but bad pictures.
        """
        drawn: list[tuple[Example, UInt8[np.ndarray, "height width 3"]]] = []
        while len(drawn) < count:
            example, picture = next(self._ahead)
            part = self._parts[example.source]
            if not isinstance(picture, Skipped) and part.reads == "labels" and not example.label:
                picture = Skipped(
                    key=example.key,
                    kind="no label",
                    reason=f"{example.key} of {part.name} has no label and is read by labels",
                )
            if isinstance(picture, Skipped):
                self._pass_by(part, picture)
            else:
                self._in_a_row[part.name] = 0
                drawn.append((example, picture))
        groups = tuple(_grouped(self._parts.values(), [example for example, _ in drawn]))
        order = {id(example): row for row, (example, _) in enumerate(drawn)}
        rows = [order[id(example)] for group in groups for example in group.examples]
        return Batch(pictures=np.stack([drawn[row][1] for row in rows]), groups=groups)

    def _pass_by(self, part: SourcePart, skipped: Skipped) -> None:
        """Count an input the first time it comes up, and see that a source is not all bad."""
        state = self._ahead.state()
        own = next(each for each in state["parts"] if each["name"] == part.name)
        if own["position"]["epoch"] == 0:
            self._tally.add(skipped)
        self._in_a_row[part.name] += 1
        if self._in_a_row[part.name] == BAD_IN_A_ROW:
            raise DataError(
                f"source {part.name!r} gave {BAD_IN_A_ROW} examples in a row that are of no use "
                f"({skipped.reason}): mend it or leave it out"
            )


def _grouped(parts: Iterable[SourcePart], examples: Sequence[Example]) -> Iterator[Group]:
    start = 0
    for part in parts:
        own = tuple(example for example in examples if example.source == part.name)
        if own:
            yield Group(part=part, rows=range(start, start + len(own)), examples=own)
            start += len(own)
