"""The text tower as an ONNX graph, one for one with `model/text.py`. Enter at `add_text`."""

import numpy as np

from sightline.runtime.graph_blocks import Blocks, project
from sightline.runtime.model_graph import ModelGraph
from sightline.spec.towers import Spec


def add_text(graph: ModelGraph, spec: Spec, ids: str) -> str:
    """Add the tower over rows of ids of any length; returns the vectors' name."""
    shape = spec.text
    blocks = Blocks(graph=graph, tower="text", shape=shape)
    length = graph.node("Shape", ids, start=1, end=2)  # tokens in a row, which trimming changes
    picked = graph.picked("text.tokens.weight", (shape.vocab_size, shape.width), ids)
    positions = graph.weight("text.positions", spec.words.context_length, shape.width)
    placed = graph.node("Slice", positions, graph.integers(0), length)
    tokens = graph.node("Add", picked, placed)
    rows = graph.node("Reshape", tokens, graph.integers(-1, shape.width))
    heads = graph.integers(shape.heads, shape.width // shape.heads)
    split = graph.node("Concat", graph.integers(-1), length, heads, axis=0)
    rows = blocks.run(rows, split, _mask(graph, length) if shape.causal else None)
    normed = blocks.norm("final_norm", rows)
    back = graph.node("Concat", graph.integers(-1), length, graph.integers(shape.width), axis=0)
    pooled = _pool(graph, spec, graph.node("Reshape", normed, back), ids)
    if shape.projection == "none":
        return pooled
    bias = shape.projection == "matrix_and_bias"
    return project(graph, "text", pooled, (shape.width, spec.embed_dim), bias=bias)


def _mask(graph: ModelGraph, length: str) -> str:
    """Add zeros where a token may look and minus infinity where the token comes after it."""
    one = graph.constant(np.array(1, dtype=np.int64))
    zero = graph.constant(np.array(0, dtype=np.int64))
    places = graph.node("Range", zero, graph.node("Squeeze", length), one)
    asking = graph.node("Unsqueeze", places, graph.integers(1))
    may_look = graph.node("GreaterOrEqual", asking, places)
    seen = graph.constant(np.array(0, dtype=np.float32))
    hidden = graph.constant(np.array(-np.inf, dtype=np.float32))
    return graph.node("Where", may_look, seen, hidden)


def _pool(graph: ModelGraph, spec: Spec, hidden: str, ids: str) -> str:
    """Take one vector from each caption's tokens."""
    pool = spec.text.pool
    if pool == "mean":
        return graph.node("ReduceMean", hidden, graph.integers(1), keepdims=0)
    if pool in ("first", "last"):
        at = graph.constant(np.array(0 if pool == "first" else -1, dtype=np.int64))
        return graph.node("Gather", hidden, at, axis=1)
    # ArgMax takes the first of equals, over int32 because engines lack it over int64 and bool.
    found = graph.node("Cast", ids, to=6)
    if pool == "end_token":
        end = graph.constant(np.array(spec.words.end_id, dtype=np.int64))
        found = graph.node("Cast", graph.node("Equal", ids, end), to=6)
    at = graph.node("ArgMax", found, axis=1, keepdims=1)
    return graph.node("GatherND", hidden, at, batch_dims=1)
