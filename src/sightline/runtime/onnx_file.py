"""Write an ONNX graph whose weights stay where they are. Enter at `GraphWriter`.

An ONNX file is a protocol buffer; the dozen messages a graph needs are encoded here, so that any
model runs in the core install, where neither torch nor the onnx package is. The same graph gives
the same bytes. Field numbers: https://github.com/onnx/onnx/blob/v1.17.0/onnx/onnx.proto3.
"""

import math
import struct
from collections.abc import Mapping, Sequence

import numpy as np

from sightline.checkpoints import Weights
from sightline.errors import CheckpointError
from sightline.runtime.located import Located
from sightline.tensors import Place

OPSET = 20  # the first with Gelu
IR_VERSION = 9  # the one that goes with opset 20

# safetensors' name → TensorProto.DataType
FLOATS: Mapping[str, int] = {"F32": 1, "F16": 10, "F64": 11, "BF16": 16}
NUMPY: Mapping[str, int] = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "int32": 6,
    "int64": 7,
    "float16": 10,
}

Attribute = int | float | str | Sequence[int]


class GraphWriter:
    """A graph under construction: each method adds something and returns its value's name."""

    def __init__(self, weights: Weights, found: Located) -> None:
        """Begin a graph.

        Args:
            weights: The tensors that it may point at.
            found: Where an engine finds their files.
        """
        self._weights = weights
        self._found = found
        self._nodes: list[bytes] = []
        self._initializers: dict[str, bytes] = {}
        self._casts: dict[str, str] = {}
        self._outputs: list[bytes] = []

    @property
    def used(self) -> frozenset[str]:
        """The names of all initializers, those of the file among them."""
        return frozenset(self._initializers)

    def node(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operator with one output."""
        output = f"v{len(self._nodes)}"
        body = b"".join(_text(1, name) for name in inputs) + _text(2, output)
        body += _text(4, operator)
        body += b"".join(_block(5, _attribute(*item)) for item in sorted(attributes.items()))
        self._nodes.append(_block(1, body))
        return output

    def constant(self, array: np.ndarray) -> str:
        """Add a small array of int64, float32 or bytes inside the graph."""
        raw = array.tobytes()
        name = f"c{array.dtype.char}{'x'.join(map(str, array.shape))}_{raw.hex()}"
        return self.inside(name, array)

    def inside(self, name: str, array: np.ndarray) -> str:
        """Add an array of any size inside the graph, by a name of its own."""
        body = _dims(array.shape) + _number(2, NUMPY[array.dtype.name])
        self._initializers[name] = _block(5, body + _text(8, name) + _bytes(9, array.tobytes()))
        return name

    def integers(self, *values: int) -> str:
        """Add a row of int64, as shapes and axes are given."""
        return self.constant(np.array(values, dtype=np.int64))

    def weight(self, name: str, *shape: int, as_matrix: bool = False) -> str:
        """Point at a tensor of the file and read it as float32, which engines do once, at load."""
        if name not in self._casts:
            stored = self.stored(name, *shape, as_matrix=as_matrix)
            self._casts[name] = stored if self.is_wide(name) else self.widened(stored)
        return self._casts[name]

    def is_wide(self, name: str) -> bool:
        """Tell whether a tensor is stored in float32."""
        return self._weights.place(name).dtype == "F32"

    def stored(self, name: str, *shape: int, as_matrix: bool = False) -> str:
        """Point at a tensor of the file in its own precision.

        Args:
            name: The tensor's.
            shape: As the file has it.
            as_matrix: All axes after the first become one.

        Raises:
            CheckpointError: The file lacks it, or has it in another shape or of another type.
        """
        place = self.place(name, *shape)
        external = {
            "location": self._found.names[place.path],
            "offset": str(self._found.starts.get(place.path, 0) + place.offset),
            "length": str(place.length),
        }
        given = (shape[0], math.prod(shape[1:])) if as_matrix else shape
        self.outside(name, given[::-1] if place.turned else given, FLOATS[place.dtype], external)
        # Engines turn what is constant once, when they open the graph.
        return self.node("Transpose", name, perm=(1, 0)) if place.turned else name

    def outside(
        self, name: str, shape: Sequence[int], kind: int, external: Mapping[str, str]
    ) -> None:
        """Add a tensor that lies in another file.

        Args:
            name: Its name in the graph.
            shape: As it lies there.
            kind: A number of TensorProto.DataType.
            external: The file, and where in it the tensor's bytes are.
        """
        body = _dims(shape) + _number(2, kind) + _text(8, name)
        body += b"".join(_block(13, _entry(*item)) for item in external.items()) + _number(14, 1)
        self._initializers[name] = _block(5, body)

    def place(self, name: str, *shape: int) -> Place:
        """Return where a tensor of the model lies.

        Raises:
            CheckpointError: The file lacks it, or has it in another shape or of another type.
        """
        if name not in self._weights:
            raise CheckpointError(
                f"{self._weights.path} lacks {name} (shape {list(shape)}): its weights do not "
                "belong to its spec"
            )
        place = self._weights.place(name)
        if place.shape != shape or place.dtype not in FLOATS:
            raise CheckpointError(
                f"{self._weights.path} has {name} as {place.dtype} of shape {list(place.shape)} "
                f"where its spec asks for floats of shape {list(shape)}: "
                "its weights do not belong to its spec"
            )
        return place

    def widened(self, value: str) -> str:
        """Add a cast to float32."""
        return self.node("Cast", value, to=FLOATS["F32"])

    def output(self, name: str, value: str, axes: Sequence[int | str]) -> None:
        """Give a value of float32 out, under a name; a name is an axis of any length."""
        self._nodes.append(_block(1, _text(1, value) + _text(2, name) + _text(4, "Identity")))
        self._outputs.append(_block(12, _value(name, "float32", axes)))

    def finish(
        self, given: tuple[str, str, Sequence[int | str]], metadata: Mapping[str, str]
    ) -> bytes:
        """Return the file's bytes.

        Args:
            given: The one input: its name, its type (int64 or float32), its axes; a name is an
                axis of any length.
            metadata: Keys and values that the file carries.
        """
        graph = b"".join(self._nodes) + _text(2, "tower") + b"".join(self._initializers.values())
        graph += _block(11, _value(*given)) + b"".join(self._outputs)
        model = _number(1, IR_VERSION) + _text(2, "sightline") + _block(7, graph)
        model += _block(8, _number(2, OPSET))
        return model + b"".join(_block(14, _entry(*item)) for item in sorted(metadata.items()))


def _varint(number: int) -> bytes:
    """Encode an int64 in groups of seven bits, the lowest first."""
    number &= (1 << 64) - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


_block = _bytes  # a message inside a message is written like bytes


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _dims(shape: Sequence[int]) -> bytes:
    return b"".join(_number(1, size) for size in shape)


def _entry(key: str, value: str) -> bytes:
    return _text(1, key) + _text(2, value)


def _attribute(name: str, value: Attribute) -> bytes:
    """Encode an AttributeProto: a value and the number of its kind."""
    if isinstance(value, float):
        return _text(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, 3)
    return _text(1, name) + b"".join(_number(8, item) for item in value) + _number(20, 7)


def _value(name: str, dtype: str, axes: Sequence[int | str]) -> bytes:
    """Encode a ValueInfoProto: a name, an element type and a shape."""
    shape = b"".join(
        _block(1, _text(2, axis) if isinstance(axis, str) else _number(1, axis)) for axis in axes
    )
    tensor = _number(1, NUMPY[dtype]) + _block(2, shape)
    return _text(1, name) + _block(2, _block(1, tensor))
