"""Towers in ONNX Runtime, over the weights as they lie in their file. Enter at `OnnxTowers`."""

from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np

from sightline.checkpoints import Checkpoint
from sightline.runtime.graph_towers import GraphTowers
from sightline.runtime.graphs import Tower
from sightline.runtime.onnx_session import Settings, engine, open_session
from sightline.runtime.ranges import Ranges, named
from sightline.runtime.tower_graph import TowerGraph

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

Opener: TypeAlias = Callable[[TowerGraph, Settings], "onnxruntime.InferenceSession"]

# Packing a tower takes as long as these calls gain by it: 0.3 s for 0.35 GB, 10 to 20 ms a call.
PACKED_AT = 16


class OnnxTowers(GraphTowers):
    """A graph for each tower, opened when it is first used; calls may come from many threads.

    A tower first runs on the weights as they lie in the file, which opens at once and takes no
    memory of its own. Once it has been called `PACKED_AT` times it is opened anew with its weights
    packed, as ONNX Runtime likes them best, in place of the mapped ones.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        threads: int | None = None,
        first: Opener = open_session,
        ranges: Ranges | None = None,
        why: str = "asked for",
    ) -> None:
        """Open nothing yet.

        Args:
            checkpoint: An opened model.
            threads: For one call; None leaves it to ONNX Runtime: one a physical core.
            first: How a tower is opened before it is packed; `open_kept` keeps what can be kept.
            ranges: Of towers in eight bits; None: in float32.
            why: Why this engine and precision were chosen.
        """
        self._checkpoint = checkpoint
        self._ranges = ranges
        self._why = why
        self.precision = "float32" if ranges is None else "int8"
        self._threads = threads
        self._first = first
        self._sessions: dict[Tower, onnxruntime.InferenceSession] = {}
        self._calls: Counter[Tower] = Counter()
        self._opening = Lock()

    @property
    def description(self) -> str:
        """What was chosen and why, in one line."""
        version, threads = engine().__version__, self._threads or "all"
        return (
            f"onnxruntime {version} on the cpu, {self.precision}{named(self._ranges)}, "
            f"threads: {threads}; {self._why}"
        )

    def open(self, tower: Tower) -> "onnxruntime.InferenceSession":
        """Open a tower's graph, once; calling this early hides the wait behind other work.

        Raises:
            CheckpointError: The weights are not the ones the spec describes.
        """
        with self._opening:
            if tower not in self._sessions:
                self._sessions[tower] = self._session(tower, packed=False)
            return self._sessions[tower]

    def run(self, tower: Tower, rows: np.ndarray) -> np.ndarray:
        """Put rows through a tower; of none there is nothing to compute."""
        session = self._used(tower)
        [given], [wanted] = session.get_inputs(), session.get_outputs()
        if not len(rows):
            return np.zeros((0, *wanted.shape[1:]), dtype=np.float32)
        return cast(np.ndarray, session.run(None, {given.name: rows})[0])

    def _used(self, tower: Tower) -> "onnxruntime.InferenceSession":
        """Open a tower for a call, and pack the weights of one that has been called often."""
        with self._opening:
            self._calls[tower] += 1
            if self._calls[tower] == PACKED_AT and (tower == "patches" or self._ranges is None):
                self._sessions.pop(tower, None)  # before the other: two would take twice the memory
                self._sessions[tower] = self._session(tower, packed=True)
        return self.open(tower)

    def _session(self, tower: Tower, *, packed: bool) -> "onnxruntime.InferenceSession":
        """Open a tower over the weights."""
        ranges = None if tower == "patches" else self._ranges
        graph = TowerGraph(self._checkpoint, tower, ranges)
        if ranges is not None:  # its weights are a copy in any case
            return self._first(graph, Settings(threads=self._threads, packed=True))
        opener = open_session if packed else self._first
        return opener(graph, Settings(threads=self._threads, packed=packed))
