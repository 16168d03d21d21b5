"""An endless shuffled walk over one source that can be left and taken up. Enter at `Walk`.

In each epoch the shards are drawn into windows in a random order, and the examples of a window
are visited in a random order: every example once an epoch. A window holds as many shards as
`window_bytes` allows, so a source that fits is shuffled whole and a larger one needs no more
memory. Orders depend on seed, epoch and window alone: the position is three integers, and there
is no buffer to save.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from sightline.data.example import Example, Tally
from sightline.data.source import Records, Shard, Source, nothing_in
from sightline.shapes import Int64

PACKED_FACTOR = 2  # bytes in memory for each byte of a packed shard, its index included


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a walk stands: the next example to read."""

    epoch: int = 0
    window: int = 0
    step: int = 0  # inside the window


class Walk:
    """The endless visit of one source."""

    def __init__(
        self, source: Source, *, seed: Sequence[int], window_bytes: int, tally: Tally
    ) -> None:
        self._source = source
        self._seed = tuple(seed)
        self._window_bytes = window_bytes
        self._tally = tally
        self._opened: dict[int, Records] = {}
        self._later = Tally()  # what was bad in this epoch, after the first
        self._found = False  # in this epoch, or before this walk was taken up
        self.restore(Position())

    @property
    def position(self) -> Position:
        """Return where the next example will be read."""
        return Position(epoch=self._epoch, window=self._window, step=self._step)

    def restore(self, position: Position) -> None:
        """Go to a position; the next example is the one that came after it was taken."""
        self._epoch, self._window, self._step = position.epoch, position.window, position.step
        self._windows = self._draw_windows()
        self._order: Int64[np.ndarray, "images 2"] | None = None
        self._found = position != Position()

    def next(self) -> Example:
        """Read the next example; bad ones are passed over, and counted in the first epoch.

        Raises:
            DataError: A whole epoch gave none.
        """
        while True:
            if self._order is None:
                # Opening a window that was entered before must not count its bad inputs again.
                self._order = self._enter(counted=self._epoch == 0 and self._step == 0)
            while self._step < len(self._order):
                shard, number = self._order[self._step]
                self._step += 1
                read = self._opened[int(shard)].read(int(number))
                if isinstance(read, Example):
                    self._found = True
                    return read
                self._bad.add(read)
            self._leave()

    @property
    def _bad(self) -> Tally:
        """Return where bad inputs are counted: once each, so in the first epoch, for the run."""
        return self._tally if self._epoch == 0 else self._later

    def _leave(self) -> None:
        """Go on to the next window, or epoch."""
        self._window, self._step, self._order = self._window + 1, 0, None
        if self._window == len(self._windows):
            if not self._found:
                raise nothing_in(self._source.name, self._bad)
            self._epoch, self._window, self._found = self._epoch + 1, 0, False
            self._later = Tally()
            self._windows = self._draw_windows()

    def _draw_windows(self) -> list[list[int]]:
        """Part this epoch's order of shards into windows."""
        shards = self._source.shards
        windows: list[list[int]] = []
        room = 0
        for number in shuffled(len(shards), (*self._seed, self._epoch, 0)).tolist():
            cost = memory_of(shards[number])
            if not windows or cost > room:
                windows.append([])
                room = self._window_bytes
            windows[-1].append(number)
            room -= cost
        return windows

    def _enter(self, *, counted: bool) -> Int64[np.ndarray, "images 2"]:
        """Open the window's shards, keeping those that are open, and draw the order."""
        tally = self._tally if counted else Tally()
        numbers = self._windows[self._window]
        self._opened = {n: records for n, records in self._opened.items() if n in set(numbers)}
        for number in numbers:
            if number not in self._opened:
                self._opened[number] = self._source.shards[number].open(tally)
        rows = [
            np.stack([np.full(len(records), n), np.arange(len(records))], axis=1)
            for n, records in ((n, self._opened[n]) for n in numbers)
        ]
        flat: Int64[np.ndarray, "images 2"] = np.concatenate(rows).astype(np.int64)
        order = shuffled(len(flat), (*self._seed, self._epoch, 1 + self._window))
        return np.take(flat, order, axis=0)


def shuffled(count: int, seed: Sequence[int]) -> Int64[np.ndarray, "images"]:
    """Draw a random order of `count` things.

    Sorting raw bits instead of `Generator.permutation`: NumPy keeps the stream of a bit generator
    over its releases, not what a Generator makes of it (NEP 19), and a run outlives a release.
    """
    bits = np.random.PCG64(np.random.SeedSequence(list(seed))).random_raw(count)
    return np.argsort(bits, kind="stable").astype(np.int64)


def memory_of(shard: Shard) -> int:
    """Estimate what an open shard takes: a packed one its content, a plain one its index."""
    return shard.stored_bytes * PACKED_FACTOR if shard.packed else shard.stored_bytes // 16


def share_windows(sources: Sequence[Source], window_bytes: int) -> list[int]:
    """Share memory among sources: none gets more than it needs while another lacks some."""
    needs = [sum(map(memory_of, source.shards)) for source in sources]
    shares = [0] * len(sources)
    left = window_bytes
    by_need = sorted(range(len(sources)), key=needs.__getitem__)
    for place, number in enumerate(by_need):
        shares[number] = min(needs[number], left // (len(sources) - place))
        left -= shares[number]
    return shares
