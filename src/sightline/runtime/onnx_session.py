"""One graph opened in ONNX Runtime over weights in their files. Enter at `open_session`."""

import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import msgspec

from sightline.checkpoints import Weights
from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.runtime.located import Located

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

ERRORS_ONLY = 3  # ONNX Runtime's log severity
FOLDER = "session.model_external_initializers_file_folder_path"
AS_STORED = "session.disable_prepacking"


class Graph(msgspec.Struct, frozen=True):
    """One tower as ONNX bytes, and where the files that it names are."""

    contents: bytes
    found: Located
    path: Path  # for messages: where it lies, or would lie


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


def open_session(
    graph: Graph, weights: Weights, settings: Settings
) -> "onnxruntime.InferenceSession":
    """Open a graph over the weights that were checked, wherever they are by now.

    ONNX Runtime maps the file by its path, a tensor at a time, and copies none that it need not:
    given memory, it copies all. So it is given the path while that leads to the checked file.

    Raises:
        CheckpointError: The graph is broken.
    """
    if _is_in_place(weights):
        # It follows no link out of a folder; and a file may be taken away just now.
        with suppress(CheckpointError):
            options = _options(settings)
            options.add_session_config_entry(FOLDER, str(graph.found.folder.absolute()))
            session = _session(graph, options)
            if _is_in_place(weights):
                return session
    options = _options(settings)
    names = [graph.found.names[path] for path in weights.buffers]
    buffers = list(weights.buffers.values())
    options.add_external_initializers_from_files_in_memory(names, buffers, [*map(len, buffers)])
    return _session(graph, options)


def _is_in_place(weights: Weights) -> bool:
    """Tell whether every file is still the one that was opened."""
    return all(file.is_in_place() for file in weights.files)


def _options(settings: Settings) -> "onnxruntime.SessionOptions":
    """Return what every session is opened with."""
    options = engine().SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    if settings.threads is not None:
        options.intra_op_num_threads = settings.threads
    if not settings.packed:
        options.add_session_config_entry(AS_STORED, "1")
    return options


def _session(graph: Graph, options: "onnxruntime.SessionOptions") -> "onnxruntime.InferenceSession":
    """Let ONNX Runtime open a graph."""
    from onnxruntime.capi import (  # type: ignore[import-untyped]
        onnxruntime_pybind11_state as state,
    )

    try:
        return engine().InferenceSession(
            graph.contents, options, providers=["CPUExecutionProvider"]
        )
    except (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.InvalidArgument) as error:
        raise CheckpointError(
            f"{graph.path} does not open ({error}): remove it, or make the graphs again"
        ) from error
