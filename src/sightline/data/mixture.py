"""Several sources as one endless stream with weights and an exact position. Enter at `Mixture`."""

from collections.abc import Mapping, Sequence

import msgspec

from sightline.data.example import Counted, Example, Tally
from sightline.data.order import Position, Walk, share_windows
from sightline.data.source import Source
from sightline.errors import DataError

WINDOW_BYTES = 2**30  # memory for all sources together; within it a source is shuffled whole


class Part:
    """One source of a mixture and how much of the stream it makes, relative to the others."""

    def __init__(self, source: Source, weight: float | int = 1.0) -> None:
        if not 0 < weight < float("inf"):
            raise DataError(f"the weight of {source.name} is {weight}: give a positive number")
        self.source = source
        self.weight = float(weight)


class _SavedPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    signature: str
    weight: float
    drawn: int
    position: Position


class _Saved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state as it is written; the order of a stream is fixed by all but `skipped`."""

    version: int
    seed: int
    window_bytes: int
    drawn: int
    parts: list[_SavedPart]
    skipped: dict[str, Counted]


class Mixture:
    """An endless, shuffled, weighted stream of examples, the same for the same seed.

    Each source is walked epoch by epoch, every example once in each. Which source comes next is
    not drawn: it is the one furthest behind its share, so any stretch of the stream holds the
    weights to within an example or so.
    """

    def __init__(
        self, parts: Sequence[Part], *, seed: int, window_bytes: int = WINDOW_BYTES
    ) -> None:
        if not parts:
            raise DataError("a mixture has no source: name at least one")
        if seed < 0:
            raise DataError(f"seed is {seed}: give 0 or more")
        self.skipped = Tally()  # each bad input once: when it is first met
        self.drawn = 0  # examples given out so far
        self._parts = tuple(parts)
        self._seed = seed
        self._window_bytes = window_bytes
        whole = sum(part.weight for part in parts)
        self._shares = [part.weight / whole for part in parts]
        self._counts = [0] * len(parts)
        shares = share_windows([part.source for part in parts], window_bytes)
        self._walks = [
            Walk(
                part.source,
                seed=(seed, number),
                window_bytes=share,
                tally=self.skipped,
            )
            for number, (part, share) in enumerate(zip(parts, shares, strict=True))
        ]
        self._signatures = [part.source.signature for part in parts]

    def __iter__(self) -> "Mixture":
        """Return itself: there is one position."""
        return self

    def __next__(self) -> Example:
        """Read the next example; the stream never ends. Its `source` is the part it came from.

        Raises:
            DataError: A source gave no example in a whole epoch, or changed while it was read.
        """
        behind = [
            share * (self.drawn + 1) - count
            for share, count in zip(self._shares, self._counts, strict=True)
        ]
        chosen = behind.index(max(behind))
        example = self._walks[chosen].next()
        self._counts[chosen] += 1
        self.drawn += 1
        return msgspec.structs.replace(example, source=self._parts[chosen].source.name)

    @property
    def epochs(self) -> tuple[int, ...]:
        """Return how often each source has been seen whole."""
        return tuple(walk.position.epoch for walk in self._walks)

    def state(self) -> dict[str, object]:
        """Return the position as JSON values; `restore` goes on from it, example for example."""
        rows = zip(self._parts, self._signatures, self._counts, self._walks, strict=True)
        saved = _Saved(
            version=1,
            seed=self._seed,
            window_bytes=self._window_bytes,
            drawn=self.drawn,
            parts=[
                _SavedPart(
                    name=part.source.name,
                    signature=signature,
                    weight=part.weight,
                    drawn=count,
                    position=walk.position,
                )
                for part, signature, count, walk in rows
            ],
            skipped=self.skipped.kinds(),
        )
        built: dict[str, object] = msgspec.to_builtins(saved)
        return built

    def restore(self, state: Mapping[str, object]) -> None:
        """Go to a saved position.

        Raises:
            DataError: It was saved on other sources, weights or with another seed.
        """
        try:
            saved = msgspec.convert(state, _Saved)
        except msgspec.ValidationError as error:
            raise DataError(f"the saved position in the data cannot be read: {error}") from error
        self._check(saved)
        self.drawn = saved.drawn
        self._counts = [part.drawn for part in saved.parts]
        self.skipped.restore(saved.skipped)
        for walk, part in zip(self._walks, saved.parts, strict=True):
            walk.restore(part.position)

    def _check(self, saved: _Saved) -> None:
        """Refuse a position that means another example here."""
        here = self.state()
        for field in ("version", "seed", "window_bytes"):
            if getattr(saved, field) != here[field]:
                raise DataError(
                    f"the position in the data was saved with {field} {getattr(saved, field)} and "
                    f"this run has {here[field]}: go on with the same, or start anew"
                )
        if len(saved.parts) != len(self._parts):
            raise DataError(
                f"the position in the data was saved on {len(saved.parts)} sources and this run "
                f"has {len(self._parts)}: go on with the same, or start anew"
            )
        for was, part, signature in zip(saved.parts, self._parts, self._signatures, strict=True):
            if (was.name, was.weight) != (part.source.name, part.weight):
                raise DataError(
                    f"the position in the data was saved on {was.name} with weight {was.weight} "
                    f"and this run has {part.source.name} with {part.weight}: go on with the same"
                )
            if was.signature != signature:
                raise DataError(
                    f"{was.name} has changed since the position was saved: put back the files it "
                    "had, or start anew"
                )
