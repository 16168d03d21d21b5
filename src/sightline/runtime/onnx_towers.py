"""Towers in ONNX Runtime, over the weights as they lie in their file. Enter at `OnnxTowers`."""

from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np

from sightline.checkpoints import Checkpoint, Weights
from sightline.checkpoints.digests import Part
from sightline.runtime.graphs import FILES, Tower, build
from sightline.runtime.located import located
from sightline.runtime.onnx_session import Graph, Settings, engine, open_session
from sightline.shapes import Float32, Int64

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

Opener: TypeAlias = Callable[[Graph, Weights, Settings], "onnxruntime.InferenceSession"]

# Packing a tower takes as long as these calls gain by it: 0.3 s for 0.35 GB, 10 to 20 ms a call.
PACKED_AT = 16


class OnnxTowers:
    """A graph for each tower, opened when it is first used; calls may come from many threads.

    A tower first runs on the weights as they lie in the file, which opens at once and takes no
    memory of its own. Once it has been called `PACKED_AT` times it is opened anew with its weights
    packed, as ONNX Runtime likes them best, in place of the mapped ones.
    """

    precision = "float32"

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        threads: int | None = None,
        first: Opener = open_session,
    ) -> None:
        """Open nothing yet.

        Args:
            checkpoint: An opened model.
            threads: For one call; None leaves it to ONNX Runtime: one a physical core.
            first: How a tower is opened before it is packed; `open_kept` keeps what can be kept.
        """
        self._checkpoint = checkpoint
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
            f"onnxruntime {version} on the cpu, float32, threads: {threads}; "
            "chosen because it needs no extra and starts quickest"
        )

    def image(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images embed_dim"]:
        """Return one vector per image."""
        return self._run("image", pixels)

    def text(
        self, ids: Int64[np.ndarray, "captions tokens"]
    ) -> Float32[np.ndarray, "captions embed_dim"]:
        """Return one vector per row of ids; shorter rows only where `spec.text.may_trim`."""
        return self._run("text", ids)

    def patches(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images patches embed_dim"]:
        """Return one vector per patch, row by row."""
        return self._run("patches", pixels)

    def open(self, tower: Tower) -> "onnxruntime.InferenceSession":
        """Open a tower's graph, once; calling this early hides the wait behind other work.

        Raises:
            CheckpointError: The weights are not the ones the spec describes.
        """
        with self._opening:
            if tower not in self._sessions:
                self._sessions[tower] = self._session(tower, packed=False)
            return self._sessions[tower]

    def _run(self, tower: Tower, rows: np.ndarray) -> np.ndarray:
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
            if self._calls[tower] == PACKED_AT:
                self._sessions.pop(tower, None)  # before the other: two would take twice the memory
                self._sessions[tower] = self._session(tower, packed=True)
        return self.open(tower)

    def _session(self, tower: Tower, *, packed: bool) -> "onnxruntime.InferenceSession":
        """Open a tower over the weights, by a graph of our own making.

        It takes milliseconds. One that lies beside the weights is for other engines: whoever wrote
        it could have it compute anything under this model's name.
        """
        found, path = located(self._checkpoint.weights), self._checkpoint.folder / FILES[tower]
        part: Part = "text" if tower == "text" else "image"
        graph = Graph(build(self._checkpoint, tower, found), part, found, path)
        opener = open_session if packed else self._first
        how = Settings(threads=self._threads, packed=packed)
        return opener(graph, self._checkpoint.weights, how)
