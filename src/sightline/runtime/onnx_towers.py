"""Towers in ONNX Runtime, over the weights as they lie in their file. Enter at `OnnxTowers`."""

import os
from collections.abc import Callable
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np

from sightline.checkpoints import Checkpoint
from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.runtime.graphs import FILES, Tower, binding, build
from sightline.shapes import Float32, Int64

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

ERRORS_ONLY = 3  # ONNX Runtime's log severity


class OnnxTowers:
    """A graph for each tower, opened when it is first used; calls may come from many threads."""

    precision = "float32"

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        threads: int | None = None,
        graph: Callable[[Checkpoint, Tower], bytes] | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._threads = threads
        self._graph = graph or graph_of
        self._sessions: dict[Tower, onnxruntime.InferenceSession] = {}
        self._opening = Lock()

    @property
    def description(self) -> str:
        """What was chosen and why, in one line."""
        version, threads = _engine().__version__, self._threads or "all"
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
            CheckpointError: The graph beside the weights is broken or belongs to other weights.
        """
        with self._opening:
            if tower not in self._sessions:
                graph = self._graph(self._checkpoint, tower)
                self._sessions[tower] = _open(self._checkpoint, tower, graph, self._threads)
            return self._sessions[tower]

    def _run(self, tower: Tower, rows: np.ndarray) -> np.ndarray:
        """Put rows through a tower; of none there is nothing to compute."""
        session = self.open(tower)
        [given], [wanted] = session.get_inputs(), session.get_outputs()
        if not len(rows):
            return np.zeros((0, *wanted.shape[1:]), dtype=np.float32)
        return cast(np.ndarray, session.run(None, {given.name: rows})[0])


def _engine() -> ModuleType:
    """Import ONNX Runtime without its telemetry."""
    # Asking it later is too late: importing 1.31 writes a device's id and a queue of events under
    # the user's home, unless this stands in the environment.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeUnavailable(
            f"runtime 'onnxruntime' cannot be loaded ({error}): install onnxruntime"
        ) from error
    onnxruntime.disable_telemetry_events()
    return cast(ModuleType, onnxruntime)


def graph_of(checkpoint: Checkpoint, tower: Tower) -> bytes:
    """Return the graph beside the weights, or the same made from the spec where there is none.

    Raises:
        CheckpointError: The graph beside the weights belongs to others.
    """
    path = checkpoint.folder / FILES[tower]
    if not path.is_file():
        return build(checkpoint, tower)
    graph = path.read_bytes()
    if binding(checkpoint).encode() not in graph:
        raise CheckpointError(
            f"{path} belongs to other weights than {checkpoint.weights.path.name} beside it: "
            "remove it, or make the graphs again"
        )
    return graph


def _open(
    checkpoint: Checkpoint, tower: Tower, graph: bytes, threads: int | None
) -> "onnxruntime.InferenceSession":
    """Open one graph over the mapped weights."""
    engine = _engine()
    from onnxruntime.capi import (  # type: ignore[import-untyped]
        onnxruntime_pybind11_state as state,
    )

    options = engine.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    if threads is not None:
        options.intra_op_num_threads = threads
    weights = checkpoint.weights
    # Handed over in memory, not by path: the file may be a link, which ONNX Runtime refuses where
    # it leads out of the folder, and it may have been replaced since it was checked.
    buffers = weights.buffers
    options.add_external_initializers_from_files_in_memory(
        [path.name for path in buffers], list(buffers.values()), [*map(len, buffers.values())]
    )
    try:
        return engine.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.InvalidArgument) as error:
        raise CheckpointError(
            f"{checkpoint.folder / FILES[tower]} does not open ({error}): remove it, or make the "
            "graphs again"
        ) from error
