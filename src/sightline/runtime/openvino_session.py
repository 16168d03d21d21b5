"""One tower compiled by OpenVINO, kept between runs. Enter at `open_compiled`."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np

from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.runtime.kept import opened, place_of
from sightline.runtime.tower_graph import TowerGraph

if TYPE_CHECKING:
    import openvino  # type: ignore[import-untyped]

DEVICE = "CPU"
COMPILED = "compiled"
# Above, a copy of the weights is too much to leave on a disk: it is compiled anew at each start.
MOST_BYTES = 512 * 2**20
# What OpenVINO computes in between products that the graph itself rounds. In eight bits the rest
# stays in float32: a vector then does not depend on whether the processor knows bfloat16.
HINTS: Mapping[str, str] = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}


class Settings(msgspec.Struct, frozen=True):
    """How a tower is compiled."""

    precision: str  # one of `HINTS`
    threads: int | None  # None: OpenVINO's own choice

    @property
    def options(self) -> dict[str, str | int]:
        """The same in OpenVINO's words."""
        chosen: dict[str, str | int] = {
            "INFERENCE_PRECISION_HINT": HINTS[self.precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        return chosen if self.threads is None else chosen | {"INFERENCE_NUM_THREADS": self.threads}


class Compiled:
    """A tower that runs; one call at a time, because one takes all cores."""

    def __init__(self, model: "openvino.CompiledModel", kept_alive: object) -> None:
        """Take what OpenVINO made.

        Args:
            model: The tower.
            kept_alive: Whose memory it reads.
        """
        self._request = model.create_infer_request()
        self._kept_alive = kept_alive
        self._one_at_a_time = Lock()
        self.shape: tuple[int, ...] = tuple(
            each.get_length() if each.is_static else 0 for each in model.output(0).partial_shape
        )

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Put rows through the tower."""
        with self._one_at_a_time:
            return cast(np.ndarray, self._request.infer({0: rows}, share_inputs=True)[0])


@cache
def engine() -> ModuleType:
    """Import OpenVINO without its telemetry.

    Raises:
        RuntimeUnavailable: It is not installed, or does not load.
    """
    try:
        with _without("openvino.tools"):
            import openvino
    except ImportError as error:
        raise RuntimeUnavailable(
            f"runtime 'openvino' cannot be loaded ({error}): install sightline[openvino]"
        ) from error
    return cast(ModuleType, openvino)


@cache
def core() -> Any:
    """Return OpenVINO's one object that compiles."""
    return engine().Core()


def version() -> str:
    """Return OpenVINO's version, as its releases are called."""
    return str(engine().__version__).split("-", maxsplit=1)[0]


def computes_bfloat16() -> bool:
    """Tell whether this processor has products of bfloat16."""
    return "BF16" in core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")


def open_compiled(graph: TowerGraph, settings: Settings) -> Compiled:
    """Compile a tower, or open what was kept of that.

    Raises:
        CheckpointError: The graph is broken.
    """
    processor = core().get_property(DEVICE, "FULL_DEVICE_NAME")
    made_by = f"openvino {engine().__version__} {processor} {sorted(settings.options.items())}"
    place = place_of(graph, made_by, MOST_BYTES)
    if place is not None:
        with suppress(OSError, CheckpointError):  # without a cache, then
            return opened(place, partial(_write, graph, settings), partial(_read, settings))
    return Compiled(_compile(graph, settings), graph.weights)


def write_ir(graph: Path, path: Path) -> None:
    """Write a graph that stands alone as OpenVINO has it: NAME.xml, with the weights in NAME.bin.

    Args:
        graph: An ONNX file.
        path: NAME.xml.

    Raises:
        CheckpointError: The graph is broken.
    """
    try:
        engine().save_model(core().read_model(graph), path, compress_to_fp16=False)
    except RuntimeError as error:
        raise CheckpointError(
            f"{graph} cannot be written for OpenVINO ({error}): export in another format"
        ) from error


def open_ir(path: Path) -> Compiled:
    """Open what `write_ir` wrote, to compute in float32 between the products.

    Raises:
        CheckpointError: It is broken.
    """
    try:
        options = Settings("float32", None).options
        return Compiled(core().compile_model(core().read_model(path), DEVICE, options), None)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not compile ({error}): export again") from error


def _compile(graph: TowerGraph, settings: Settings) -> "openvino.CompiledModel":
    """Compile a tower over the mapped weights.

    Raises:
        CheckpointError: The graph is broken.
    """
    try:
        # OpenVINO follows no link out of a folder; the mapped bytes are the checked ones besides.
        model = core().read_model(BytesIO(graph.over_memory()))
        return core().compile_model(model, DEVICE, settings.options)
    except RuntimeError as error:
        raise CheckpointError(f"{graph.path} does not compile ({error})") from error


def _write(graph: TowerGraph, settings: Settings, folder: Path) -> None:
    """Write what comes of compiling.

    Raises:
        OSError: The folder is full.
    """
    (folder / COMPILED).write_bytes(_compile(graph, settings).export_model().getbuffer())


def _read(settings: Settings, folder: Path) -> Compiled:
    """Open what `_write` wrote, its weights mapped.

    Raises:
        OSError: It is missing.
        CheckpointError: It is damaged.
    """
    try:
        # Copy on write: OpenVINO asks for memory that it could write to, and does not.
        mapped = np.memmap(folder / COMPILED, dtype=np.uint8, mode="c")
        tensor = engine().Tensor(mapped, shared_memory=True)
        return Compiled(core().import_model(tensor, DEVICE, settings.options), mapped)
    except (RuntimeError, ValueError) as error:  # ValueError: an empty file is not mapped
        raise CheckpointError(f"{folder} does not open ({error}): remove it") from error


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Let an import find nothing under a name.

    OpenVINO 2026.4 imports its converters where it finds them, and those their telemetry, which
    writes a device's id below the user's home: 70 of 165 ms besides.
    """
    before = sys.modules.get(name)
    sys.modules[name] = cast(ModuleType, None)
    try:
        yield
    finally:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
