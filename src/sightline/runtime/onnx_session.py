"""One graph opened in ONNX Runtime over weights in their files. Enter at `open_session`."""

import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import msgspec

from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.runtime.tower_graph import TowerGraph

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

ERRORS_ONLY = 3  # ONNX Runtime's log severity
FOLDER = "session.model_external_initializers_file_folder_path"
AS_STORED = "session.disable_prepacking"
WRITTEN = "session.optimized_model_external_initializers"
SIMPLIFIED, TENSORS = "tower.onnx", "tensors"


class Settings(msgspec.Struct, frozen=True):
    """How a session runs."""

    threads: int | None  # None: ONNX Runtime's own choice
    packed: bool  # whether weights are copied into the order that products read them in


def engine() -> ModuleType:
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


def open_session(graph: TowerGraph, settings: Settings) -> "onnxruntime.InferenceSession":
    """Open a graph over the weights that were checked, wherever they are by now.

    ONNX Runtime maps the file by its path, a tensor at a time, and copies none that it need not:
    given memory, it copies all. So it is given the path while that leads to the checked file.

    Raises:
        CheckpointError: The graph is broken.
    """
    weights = graph.weights
    if weights.are_in_place():
        # It follows no link out of a folder; and a file may be taken away just now.
        with suppress(CheckpointError):
            options = _options(settings)
            options.add_session_config_entry(FOLDER, str(graph.found.folder.absolute()))
            session = _session(graph.contents, options, graph.path)
            if weights.are_in_place():
                return session
    options = _options(settings)
    names = [graph.found.names[path] for path in weights.buffers]
    buffers = list(weights.buffers.values())
    options.add_external_initializers_from_files_in_memory(names, buffers, [*map(len, buffers)])
    return _session(graph.contents, options, graph.path)


def open_bytes(contents: bytes, folder: Path) -> "onnxruntime.InferenceSession":
    """Open a graph that is used once, over files of a folder.

    Raises:
        CheckpointError: The graph is broken.
    """
    options = _options(Settings(threads=None, packed=True))
    options.add_session_config_entry(FOLDER, str(folder.absolute()))
    return _session(contents, options, folder)


def open_file(path: Path, threads: int | None = None) -> "onnxruntime.InferenceSession":
    """Open a graph that stands alone, as anyone would.

    Raises:
        CheckpointError: The graph is broken.
    """
    return _session(str(path), _options(Settings(threads=threads, packed=True)), path)


def simplify(graph: TowerGraph, folder: Path) -> None:
    """Write what ONNX Runtime makes of a graph, with the tensors that come of its weights.

    All that holds on any processor: how to lie in memory it decides by the one that it runs on.

    Raises:
        CheckpointError: The graph is broken, or the folder is full.
    """
    options = _options(Settings(threads=1, packed=False))
    options.graph_optimization_level = engine().GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.add_session_config_entry(FOLDER, str(graph.found.folder.absolute()))
    options.optimized_model_filepath = str(folder / SIMPLIFIED)
    options.add_session_config_entry(f"{WRITTEN}_file_name", TENSORS)
    options.add_session_config_entry(f"{WRITTEN}_min_size_in_bytes", "1024")
    _session(graph.contents, options, graph.path)


def open_simplified(settings: Settings, folder: Path) -> "onnxruntime.InferenceSession":
    """Open what `simplify` wrote.

    Raises:
        CheckpointError: It is missing or damaged.
    """
    options = _options(settings)
    options.graph_optimization_level = engine().GraphOptimizationLevel.ORT_DISABLE_ALL
    path = folder / SIMPLIFIED
    return _session(str(path), options, path)


def _options(settings: Settings) -> "onnxruntime.SessionOptions":
    """Return what every session is opened with."""
    options = engine().SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    if settings.threads is not None:
        options.intra_op_num_threads = settings.threads
    if not settings.packed:
        options.add_session_config_entry(AS_STORED, "1")
    return options


def _session(
    graph: bytes | str, options: "onnxruntime.SessionOptions", path: Path
) -> "onnxruntime.InferenceSession":
    """Let ONNX Runtime open a graph, or the file that it is in."""
    from onnxruntime.capi import (  # type: ignore[import-untyped]
        onnxruntime_pybind11_state as state,
    )

    try:
        # Its fallback prints on stdout, and tries the same again.
        return engine().InferenceSession(
            graph, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except (
        UnicodeDecodeError,  # of a name in it
        state.EPFail,
        state.NotImplemented,
        state.RuntimeException,
        state.Fail,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.InvalidArgument,
        state.NoSuchFile,
    ) as error:
        raise CheckpointError(
            f"{path} does not open ({error}): remove it, or make the graphs again"
        ) from error
