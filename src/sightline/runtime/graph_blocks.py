"""The transformer's parts as ONNX operators, one for one with `model/`. Enter at `Blocks`.

Tokens are kept as rows of a matrix, all images or captions below one another: everything but
attention works on rows, and a product of two matrices is the fastest thing every engine has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sightline.runtime.model_graph import Layer, ModelGraph
from sightline.spec.towers import Activation, TextTransformer, ViT


def quick_gelu(graph: ModelGraph, rows: str) -> str:
    """Add x · sigmoid(1.702 x)."""
    gate = graph.node("Mul", rows, graph.constant(np.array(1.702, dtype=np.float32)))
    return graph.node("Mul", rows, graph.node("Sigmoid", gate))


ACTIVATIONS: Mapping[Activation, Callable[[ModelGraph, str], str]] = {
    "quick_gelu": quick_gelu,
    "gelu": lambda graph, rows: graph.node("Gelu", rows, approximate="none"),
    "gelu_tanh": lambda graph, rows: graph.node("Gelu", rows, approximate="tanh"),
}


def linear(graph: ModelGraph, name: str, rows: str, sizes: tuple[int, int], *, bias: bool) -> str:
    """Add a linear layer from `sizes[0]` to `sizes[1]`."""
    return graph.layer(Layer(name=name, shape=sizes[::-1], bias=bias), rows)


def project(graph: ModelGraph, tower: str, rows: str, sizes: tuple[int, int], *, bias: bool) -> str:
    """Add the map into the shared space, always exact: it is a thousandth of the work.

    In eight bits after a mean OpenVINO 2026.4 gives other vectors (cosine 0.994 on the bundled
    model, where ONNX Runtime has 0.99997).
    """
    return graph.exact(Layer(name=f"{tower}.projection", shape=sizes[::-1], bias=bias), rows)


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Multi-head attention over tokens kept as rows."""

    graph: ModelGraph
    name: str
    width: int
    heads: int
    out_width: int

    def __call__(self, asking: str, seen: str, split: str, mask: str | None = None) -> str:
        """Let rows read from rows.

        Args:
            asking: One row for each query; of fewer rows than `split` says, all are one query.
            seen: The rows that are read.
            split: The shape (-1, tokens, heads, head width) that groups `seen` by image.
            mask: Added to the scores of every head.
        """
        head_width = self.width // self.heads
        one = self.graph.integers(-1, 1, self.heads, head_width)
        query = self._heads("query", asking, split if asking == seen else one, (0, 2, 1, 3))
        key = self._heads("key", seen, split, (0, 2, 3, 1))
        value = self._heads("value", seen, split, (0, 2, 1, 3))
        scale = self.graph.constant(np.array(head_width**-0.5, dtype=np.float32))
        scores = self.graph.node("Mul", self.graph.scores(self.name, query, key), scale)
        if mask is not None:
            scores = self.graph.node("Add", scores, mask)
        read = self.graph.node("MatMul", self.graph.node("Softmax", scores, axis=-1), value)
        joined = self.graph.node("Transpose", read, perm=(0, 2, 1, 3))
        return self._out(self.graph.node("Reshape", joined, self.graph.integers(-1, self.width)))

    def alone(self, rows: str) -> str:
        """Add what a query reads from each row if that row is all it can see."""
        sizes = (self.width, self.width)
        return self._out(linear(self.graph, f"{self.name}.value", rows, sizes, bias=True))

    def _heads(self, part: str, rows: str, split: str, order: tuple[int, ...]) -> str:
        """Add one of the three projections, cut into heads."""
        sizes = (self.width, self.width)
        projected = linear(self.graph, f"{self.name}.{part}", rows, sizes, bias=True)
        return self.graph.node(
            "Transpose", self.graph.node("Reshape", projected, split), perm=order
        )

    def _out(self, rows: str) -> str:
        """Add the last projection."""
        sizes = (self.width, self.out_width)
        return linear(self.graph, f"{self.name}.out", rows, sizes, bias=True)


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """One transformer tower's parts, named as in `model/`."""

    graph: ModelGraph
    tower: str  # "image" or "text": what its tensors' names begin with
    shape: ViT | TextTransformer

    def norm(self, name: str, rows: str) -> str:
        """Add a layer norm over the last axis."""
        weight = self.graph.weight(f"{self.tower}.{name}.weight", self.shape.width)
        bias = self.graph.weight(f"{self.tower}.{name}.bias", self.shape.width)
        epsilon = float(self.shape.norm_eps)
        return self.graph.node("LayerNormalization", rows, weight, bias, axis=-1, epsilon=epsilon)

    def mlp(self, name: str, rows: str) -> str:
        """Add two linear layers around the activation."""
        sizes = (self.shape.width, self.shape.mlp_width)
        up = linear(self.graph, f"{self.tower}.{name}.up", rows, sizes, bias=True)
        active = ACTIVATIONS[self.shape.activation](self.graph, up)
        return linear(self.graph, f"{self.tower}.{name}.down", active, sizes[::-1], bias=True)

    def attention(self, name: str) -> Attention:
        """Return an attention of this tower's width."""
        return Attention(
            graph=self.graph,
            name=f"{self.tower}.{name}",
            width=self.shape.width,
            heads=self.shape.heads,
            out_width=self.shape.width,
        )

    def run(self, rows: str, split: str, mask: str | None = None) -> str:
        """Add all blocks, one after another."""
        for index in range(self.shape.layers):
            name = f"blocks.{index}"
            normed = self.norm(f"{name}.attention_norm", rows)
            read = self.attention(f"{name}.attention")(normed, normed, split, mask)
            rows = self.graph.node("Add", rows, read)
            reworked = self.mlp(f"{name}.mlp", self.norm(f"{name}.mlp_norm", rows))
            rows = self.graph.node("Add", rows, reworked)
        return rows
