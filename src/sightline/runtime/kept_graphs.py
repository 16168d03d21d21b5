"""Graphs as ONNX Runtime simplified them, kept between runs. Enter at `open_kept`.

Opening the bundled image tower takes it 110 ms: it widens half precision, folds norms into
convolutions, joins what can be joined. Opening what comes out of that takes 15.
"""

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from sightline.errors import CheckpointError
from sightline.runtime.kept import opened, place_of
from sightline.runtime.onnx_session import (
    Settings,
    engine,
    open_session,
    open_simplified,
    simplify,
)
from sightline.runtime.tower_graph import TowerGraph

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

# Above, a copy of a model is too much to leave on a disk, and a transformer in float32 is mapped as
# it lies in any case. A tower in eight bits is a quarter of that, and lies nowhere else.
MOST_BYTES = 64 * 2**20
MOST_BYTES_IN_EIGHT_BITS = 512 * 2**20


def open_kept(graph: TowerGraph, how: Settings) -> "onnxruntime.InferenceSession":
    """Open a tower as `open_session` does, from what was kept of it if there is something.

    Raises:
        CheckpointError: The graph is broken.
    """
    most = MOST_BYTES_IN_EIGHT_BITS if graph.is_rounded else MOST_BYTES
    place = place_of(graph, f"onnxruntime {engine().__version__}", most)
    if place is not None:
        with suppress(OSError, CheckpointError):  # without a cache, then
            return opened(place, partial(simplify, graph), partial(open_simplified, how))
    return open_session(graph, how)
