"""A graph that knows which of its products have weights. Enter at `ModelGraph`.

What computes those in other numbers, or looks at what goes into them, is another kind of graph over
the same towers: towers are added by `add_image` and `add_text`, which know none of the kinds.
"""

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from sightline.runtime.onnx_file import Attribute, GraphWriter

NORM_EPS = 1e-5  # torch.nn.BatchNorm2d's default, which model/ uses throughout
NORM_PARTS = ("weight", "bias", "running_mean", "running_var")


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A product with a weight of the model."""

    name: str  # its tensors are NAME.weight and NAME.bias
    shape: tuple[int, ...]  # of the weight: out and in, and a convolution's kernel
    bias: bool
    norm: str | None = None  # the batch norm that follows, with its running statistics
    by_rows: bool = False  # of a kernel: each row is all that it sees at one place
    attributes: Mapping[str, Attribute] = {}

    @property
    def operator(self) -> Literal["Gemm", "Conv"]:
        """What multiplies: rows by a matrix, or maps by a kernel."""
        return "Gemm" if len(self.shape) == 2 or self.by_rows else "Conv"

    @property
    def channels(self) -> int:
        """How many numbers of a row, or maps, go in."""
        return math.prod(self.shape[1:]) if self.by_rows else self.shape[1]


class ModelGraph(GraphWriter):
    """A graph that computes as the model was trained to: in float32."""

    def layer(self, layer: Layer, value: str) -> str:
        """Add a product of a value with a weight."""
        return self.exact(layer, value)

    def exact(self, layer: Layer, value: str) -> str:
        """Add the same, in float32 in every kind of graph.

        Engines fold a norm into a convolution.
        """
        out = layer.shape[0]
        inputs = [value, self.weight(f"{layer.name}.weight", *layer.shape, as_matrix=layer.by_rows)]
        if layer.bias:
            inputs.append(self.weight(f"{layer.name}.bias", out))
        turned = {"transB": 1} if layer.operator == "Gemm" else {}
        made = self.node(layer.operator, *inputs, **turned, **layer.attributes)
        if layer.norm is None:
            return made
        parts = [self.weight(f"{layer.norm}.{part}", out) for part in NORM_PARTS]
        return self.node("BatchNormalization", made, *parts, epsilon=NORM_EPS)

    def picked(self, name: str, shape: tuple[int, int], ids: str) -> str:
        """Add rows of a table, widened after they are picked: it is a third of a small model."""
        return self.widened(self.node("Gather", self.stored(name, *shape), ids))

    def scores(self, name: str, query: str, key: str) -> str:
        """Add the product of an attention's queries and keys, not yet scaled.

        Args:
            name: The attention's.
            query: Values (images, heads, tokens, head width).
            key: Values (images, heads, head width, tokens).
        """
        return self.node("MatMul", query, key)
