"""A graph whose products are of eight bits, for both engines. Enter at `QuantisedGraph`.

Said with QuantizeLinear and DequantizeLinear around the products as the model has them, as ONNX
says it for every engine; ONNX Runtime and OpenVINO make integer products of it. All steps are fixed
beforehand: one that followed the batch would make a picture's vector depend on its neighbours.
"""

from collections.abc import Mapping

import numpy as np

from sightline.checkpoints import Weights
from sightline.errors import CheckpointError
from sightline.runtime.located import Located
from sightline.runtime.model_graph import NORM_EPS, NORM_PARTS, Layer, ModelGraph
from sightline.runtime.onnx_file import Attribute
from sightline.runtime.ranges import Range, rounded

MOST = 2**30  # of a bias in steps: as much again is left of an int32 for the sum beside it
# What OpenVINO rounds by an operator of its own; after others the one before does it.
ALONE = ("LayerNormalization", "Reshape")


class QuantisedGraph(ModelGraph):
    """A tower with int8 weights inside and uint8 inputs to its products."""

    def __init__(self, weights: Weights, found: Located, ranges: Mapping[str, Range]) -> None:
        """Begin a graph.

        Args:
            weights: The tensors in full precision.
            found: Where an engine finds their files, for those that stay as they are.
            ranges: The range of each watched value, by the name of the first that reads it.
        """
        super().__init__(weights, found)
        self._ranges = ranges
        self._known: dict[str, tuple[str, Range]] = {}  # a value → what it was rounded to
        self._rounded: set[str] = set()
        self._operators: dict[str, str] = {}  # a value → what makes it

    @property
    def used(self) -> frozenset[str]:
        """The names of all tensors that were read, those that were rounded among them."""
        return super().used | self._rounded

    def node(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operator with one output."""
        made = super().node(operator, *inputs, **attributes)
        self._operators[made] = operator
        return made

    def layer(self, layer: Layer, value: str) -> str:
        """Add a product of a rounded value with a rounded weight."""
        if value not in self._known:
            found = self._range(layer.name)
            _check_width(layer, found)
            self._known[value] = self._narrowed(layer, found, value), found
        given, found = self._known[value]
        weight, bias = self._folded(layer)
        if found.smoothing is not None:
            weight = weight * found.smoothing
        # A bias is counted in the steps of the sums, which are too small if weights are almost 0.
        least = 0.0 if bias is None else np.abs(bias) / (MOST * found.step)
        numbers, steps = rounded(weight, least)
        inputs = [given, self._stored(f"{layer.name}.weight", numbers, steps)]
        if bias is not None:
            inputs.append(self._bias(layer.name, bias, steps * np.float32(found.step)))
        turned = {"transB": 1} if layer.operator == "Gemm" else {}
        return self.node(layer.operator, *inputs, **turned, **layer.attributes)

    def picked(self, name: str, shape: tuple[int, int], ids: str) -> str:
        """Add rows of a rounded table, each with a step of its own."""
        numbers, steps = rounded(self._read(name))
        row = self.node("Gather", self.inside(f"{name}.int8", numbers), ids)
        step = self.node("Gather", self.inside(f"{name}.step", steps[:, None]), ids)
        return self.node("Mul", self.widened(row), step)

    def scores(self, name: str, query: str, key: str) -> str:
        """Add the product of rounded queries and keys.

        OpenVINO multiplies them in eight bits only if 0 is 0 in both.
        """
        both = []
        for part, value in (("query", query), ("key", key)):
            step = self._range(f"{name}.scores.{part}").signed_step
            both.append(self._near(value, step, np.int8(0)))
        return self.node("MatMul", *both)

    def _range(self, name: str) -> Range:
        """Return the range of a value.

        Raises:
            CheckpointError: The ranges are another model's.
        """
        if name not in self._ranges:
            raise CheckpointError(
                f"the ranges of {self._weights.path} lack {name}: calibrate the model again"
            )
        return self._ranges[name]

    def _narrowed(self, layer: Layer, found: Range, value: str) -> str:
        """Round a layer's input to the 256 numbers of its range, smoothed before."""
        # OpenVINO 2026.4 rounds the rows of a matrix in four times the time of the same rows with
        # one more axis.
        deep = layer.operator == "Gemm" and self._operators.get(value) in ALONE
        if deep:
            value = self.node("Reshape", value, self.integers(1, -1, layer.channels))
        if found.smoothing is not None:
            by = self.inside(f"{layer.name}.smoothing", 1 / found.smoothing)
            value = self.node("Mul", value, by)
        near = self._near(value, found.step, np.uint8(found.zero))
        return self.node("Reshape", near, self.integers(-1, layer.channels)) if deep else near

    def _near(self, value: str, step: float, zero: np.uint8 | np.int8) -> str:
        """Round a value to multiples of a step, 256 of them around what stands for 0."""
        by = self.constant(np.array(step, np.float32)), self.constant(np.array(zero))
        return self.node("DequantizeLinear", self.node("QuantizeLinear", value, *by), *by)

    def _stored(self, name: str, numbers: np.ndarray, steps: np.ndarray) -> str:
        """Put rounded numbers inside the graph, with a step for each of their first axis."""
        integers = self.inside(f"{name}.{numbers.dtype}", numbers)
        step = self.inside(f"{name}.step", steps)
        zero = self.inside(f"{name}.zero", np.zeros(len(steps), numbers.dtype))
        return self.node("DequantizeLinear", integers, step, zero, axis=0)

    def _bias(self, name: str, bias: np.ndarray, steps: np.ndarray) -> str:
        """Put a bias inside the graph, in the steps of the sums that it is added to."""
        numbers = np.rint(bias / steps).astype(np.int32)
        return self._stored(f"{name}.bias", numbers, steps)

    def _folded(self, layer: Layer) -> tuple[np.ndarray, np.ndarray | None]:
        """Return a layer's weight and bias in float32, with the norm that follows worked in."""
        weight = self._read(f"{layer.name}.weight")
        if layer.by_rows:
            weight = weight.reshape(-1, layer.channels)
        bias = self._read(f"{layer.name}.bias") if layer.bias else None
        if layer.norm is None:
            return weight, bias
        scale, shift, mean, variance = (self._read(f"{layer.norm}.{part}") for part in NORM_PARTS)
        factor = scale / np.sqrt(variance + NORM_EPS)
        return weight * factor[:, None, None, None], shift - mean * factor

    def _read(self, name: str) -> np.ndarray:
        """Return a tensor in float32."""
        self._rounded.add(name)
        return np.asarray(self._weights[name], dtype=np.float32)


def _check_width(layer: Layer, found: Range) -> None:
    """Refuse ranges of another model."""
    if found.smoothing is None:
        return
    told = len(found.smoothing)
    if layer.operator == "Conv":
        raise CheckpointError(
            f"the ranges tell {told} channels of {layer.name} apart, which is a convolution: "
            "calibrate the model again"
        )
    if told != layer.channels:
        raise CheckpointError(
            f"the ranges tell {told} channels of {layer.name} apart where it has "
            f"{layer.channels}: calibrate the model again"
        )
