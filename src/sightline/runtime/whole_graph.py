"""A tower that stands alone, its weights inside. Enter at `write_whole`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sightline.checkpoints import Checkpoint, Weights
from sightline.errors import CheckpointError
from sightline.runtime.graphs import Tower, complete
from sightline.runtime.located import beside
from sightline.runtime.model_graph import ModelGraph
from sightline.runtime.onnx_file import NUMPY, Attribute
from sightline.runtime.quantised_graph import QuantisedGraph
from sightline.runtime.ranges import Ranges
from sightline.runtime.tower_graph import TowerGraph

# A protocol buffer ends at 2 GiB; what is not weights takes less than this leaves.
MOST_INSIDE = 2**31 - 2**26
SMALL = 1024  # bytes of an array that stays inside in any case
PAGE = 4096  # engines map what begins at one
STORED: Mapping[str, type[np.floating]] = {"float32": np.float32, "float16": np.float16}
KEY = "sightline.fingerprint"  # of the graph's metadata: whose tower this is


class Carrier:
    """Where the arrays of a graph go that is to stand alone."""

    def __init__(self, dtype: type[np.floating], name: str, file: BinaryIO | None) -> None:
        """Choose.

        Args:
            dtype: What matrices and kernels of the model are stored in.
            name: Of the file beside the graph.
            file: The same, open; None: everything goes inside.
        """
        self.dtype = dtype
        self._name = name
        self._file = file

    def takes(self, array: np.ndarray) -> bool:
        """Tell whether an array goes beside the graph."""
        return self._file is not None and array.nbytes >= SMALL

    def write(self, array: np.ndarray) -> Mapping[str, str]:
        """Write an array beside the graph; returns where.

        Raises:
            OSError: The disk is full.
        """
        assert self._file is not None
        self._file.write(bytes(-self._file.tell() % PAGE))
        start = self._file.tell()
        self._file.write(np.ascontiguousarray(array).data)
        return {"location": self._name, "offset": str(start), "length": str(array.nbytes)}


class _Standing(ModelGraph):
    """What graphs of both kinds do otherwise when they stand alone."""

    carrier: Carrier

    def __init__(self, *given: Any, **named: Any) -> None:
        """Begin as the kind begins."""
        super().__init__(*given, **named)
        self._asked: set[str] = set()

    def node(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operator, and take note of what it reads."""
        self._asked.update(inputs)
        return super().node(operator, *inputs, **attributes)

    def finish(
        self, given: tuple[str, str, Sequence[int | str]], metadata: Mapping[str, str]
    ) -> bytes:
        """Return the file's bytes, without arrays that nothing reads: engines warn of each."""
        kept = {name: one for name, one in self._initializers.items() if name in self._asked}
        self._initializers = kept
        return super().finish(given, metadata)

    def is_wide(self, name: str) -> bool:
        """Tell whether a tensor is in float32 here, whatever the model's own file has."""
        return self._dtype(name) is np.float32

    def stored(self, name: str, *shape: int, as_matrix: bool = False) -> str:
        """Copy a tensor of the model."""
        self.place(name, *shape)
        array = _in(self._dtype(name), name, self._weights)
        return self.inside(name, array.reshape(len(array), -1) if as_matrix else array)

    def _dtype(self, name: str) -> type[np.floating]:
        """Return what a tensor is stored in: vectors are few numbers, and norms divide by some."""
        return np.float32 if len(self._weights.place(name).shape) < 2 else self.carrier.dtype

    def inside(self, name: str, array: np.ndarray) -> str:
        """Add an array, inside or beside."""
        if not self.carrier.takes(array):
            return super().inside(name, array)
        self.outside(name, array.shape, NUMPY[array.dtype.name], self.carrier.write(array))
        return name


class WholeGraph(_Standing):
    """A tower that computes in float32, over weights of its own."""

    def __init__(self, weights: Weights, carrier: Carrier) -> None:
        """Begin a graph."""
        super().__init__(weights, beside(weights))
        self.carrier = carrier


class WholeQuantisedGraph(_Standing, QuantisedGraph):
    """A tower in eight bits, over weights of its own."""

    def __init__(self, weights: Weights, carrier: Carrier, ranges: Ranges) -> None:
        """Begin a graph."""
        super().__init__(weights, beside(weights), ranges.by_name)
        self.carrier = carrier


def write_whole(
    checkpoint: Checkpoint,
    tower: Tower,
    path: Path,
    *,
    stored: str = "float32",
    ranges: Ranges | None = None,
) -> None:
    """Write one tower as a graph that needs no other file of the model.

    The batch axis is free, and the length of a text where the tower may be trimmed. A tower whose
    weights take 2 GB or more has them in `NAME.onnx.data` beside it: no ONNX file may be longer.

    Args:
        checkpoint: An opened model.
        tower: Which one.
        path: A new file.
        stored: What matrices are stored in, one of `STORED`; all is computed in float32.
        ranges: What the products of a tower in eight bits are rounded by; None: in float32.

    Raises:
        CheckpointError: The weights are not the ones the spec describes, or half precision cannot
            hold them.
        OSError: The disk is full.
    """
    dtype = STORED[stored]
    told = {KEY: checkpoint.fingerprint}
    if fits_inside(checkpoint, tower, stored=stored, ranges=ranges):
        graph = _graph(checkpoint, Carrier(dtype, "", None), ranges)
        path.write_bytes(complete(graph, checkpoint, tower, told))
        return
    data = path.with_name(f"{path.name}.data")
    with data.open("xb") as file:
        graph = _graph(checkpoint, Carrier(dtype, data.name, file), ranges)
        path.write_bytes(complete(graph, checkpoint, tower, told))


def fits_inside(
    checkpoint: Checkpoint, tower: Tower, *, stored: str, ranges: Ranges | None
) -> bool:
    """Tell whether `write_whole` writes one file."""
    weights_bytes = TowerGraph(checkpoint, tower, ranges).copy_bytes
    if ranges is None:
        weights_bytes = weights_bytes // 4 * np.dtype(STORED[stored]).itemsize
    return weights_bytes < MOST_INSIDE


def _graph(checkpoint: Checkpoint, carrier: Carrier, ranges: Ranges | None) -> ModelGraph:
    """Begin a graph of the right kind."""
    if ranges is None:
        return WholeGraph(checkpoint.weights, carrier)
    return WholeQuantisedGraph(checkpoint.weights, carrier, ranges)


def _in(dtype: type[np.floating], name: str, weights: Weights) -> np.ndarray:
    """Return a tensor in another type.

    Raises:
        CheckpointError: It has a number that the type lacks.
    """
    array = np.asarray(weights[name])
    with np.errstate(over="ignore"):
        found = array.astype(dtype)
    if np.isfinite(array).all() and not np.isfinite(found).all():
        raise CheckpointError(
            f"{weights.path} has {np.abs(array).max():.3g} in {name}, which {dtype.__name__} "
            "cannot hold: export in float32"
        )
    return np.ascontiguousarray(found)
