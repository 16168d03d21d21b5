"""Image towers as ONNX graphs, one for one with `model/`. Enter at `add_image`."""

import numpy as np

from sightline.runtime.graph_blocks import Attention, Blocks, project
from sightline.runtime.graph_convolutions import add_resnet, add_stem
from sightline.runtime.model_graph import ModelGraph
from sightline.spec.towers import ResNet, Spec, ViT


def add_image(graph: ModelGraph, spec: Spec, pixels: str, *, patches: bool) -> str:
    """Add the tower; returns the name of one vector an image, or one a patch."""
    if isinstance(spec.image, ResNet):
        return _resnet(graph, spec.image, spec.embed_dim, pixels, patches)
    return _vit(graph, spec.image, spec.embed_dim, pixels, patches)


def _vit(graph: ModelGraph, shape: ViT, embed_dim: int, pixels: str, patches: bool) -> str:
    """Add stem, positions, blocks, pool and projection."""
    blocks = Blocks(graph=graph, tower="image", shape=shape)
    count = shape.grid**2 + shape.class_token
    tokens = _tokens(graph, shape, pixels)
    rows = graph.node("Reshape", tokens, graph.integers(-1, shape.width))
    if shape.pre_norm:
        rows = blocks.norm("pre_norm", rows)
    split = graph.integers(-1, count, shape.heads, shape.width // shape.heads)
    rows = blocks.run(rows, split)
    if shape.final_norm == "before_pool":
        rows = blocks.norm("final_norm", rows)
    if patches:
        rows = _each(graph, blocks, shape, rows)
    else:
        rows = _pool(graph, blocks, shape, rows, split)
    if shape.final_norm == "after_pool":
        rows = blocks.norm("final_norm", rows)
    if shape.projection == "matrix":
        rows = project(graph, "image", rows, (shape.width, embed_dim), bias=False)
    if patches:
        rows = graph.node("Reshape", rows, graph.integers(-1, shape.grid**2, embed_dim))
    return rows


def _tokens(graph: ModelGraph, shape: ViT, pixels: str) -> str:
    """Add stem and positions, and the class token before the patches."""
    count = shape.grid**2 + shape.class_token
    tokens = add_stem(graph, shape, pixels)
    if shape.class_token:
        first = graph.weight("image.class_token", shape.width)
        images = graph.node("Shape", pixels, start=0, end=1)
        size = graph.node("Concat", images, graph.integers(1, shape.width), axis=0)
        tokens = graph.node("Concat", graph.node("Expand", first, size), tokens, axis=1)
    if shape.position == "learned":
        tokens = graph.node("Add", tokens, graph.weight("image.positions", count, shape.width))
    return tokens


def _without_class_token(graph: ModelGraph, shape: ViT, rows: str) -> str:
    """Add the tokens of the patches alone, grouped by image."""
    count = shape.grid**2 + shape.class_token
    tokens = graph.node("Reshape", rows, graph.integers(-1, count, shape.width))
    if not shape.class_token:
        return tokens
    bounds = (graph.integers(1), graph.integers(count), graph.integers(1))
    return graph.node("Slice", tokens, *bounds)


def _pool(graph: ModelGraph, blocks: Blocks, shape: ViT, rows: str, split: str) -> str:
    """Make one row of each image's rows."""
    if shape.pool == "mean":
        tokens = _without_class_token(graph, shape, rows)
        return graph.node("ReduceMean", tokens, graph.integers(1), keepdims=0)
    if shape.pool == "class_token":
        count = shape.grid**2 + shape.class_token
        tokens = graph.node("Reshape", rows, graph.integers(-1, count, shape.width))
        return graph.node("Gather", tokens, graph.constant(np.array(0, dtype=np.int64)), axis=1)
    probe = graph.weight("image.pool.probe", shape.width)
    asking = graph.node("Unsqueeze", probe, graph.integers(0))
    read = blocks.attention("pool.attention")(asking, rows, split)
    return _rework(graph, blocks, read)


def _each(graph: ModelGraph, blocks: Blocks, shape: ViT, rows: str) -> str:
    """Pool each patch as if it were the whole image."""
    tokens = _without_class_token(graph, shape, rows)
    rows = graph.node("Reshape", tokens, graph.integers(-1, shape.width))
    if shape.pool != "attention":
        return rows
    return _rework(graph, blocks, blocks.attention("pool.attention").alone(rows))


def _rework(graph: ModelGraph, blocks: Blocks, read: str) -> str:
    """Add the attention pool's MLP beside its skip."""
    return graph.node("Add", read, blocks.mlp("pool.mlp", blocks.norm("pool.norm", read)))


def _resnet(graph: ModelGraph, shape: ResNet, embed_dim: int, pixels: str, patches: bool) -> str:
    """Add the convolutions and the attention pool, whose output map is the projection."""
    width, cells = 32 * shape.width, shape.grid**2
    tokens = add_resnet(graph, shape, pixels)
    attention = Attention(
        graph=graph,
        name="image.pool.attention",
        width=width,
        heads=shape.heads,
        out_width=embed_dim,
    )
    as_rows = graph.integers(-1, width)
    if patches:
        each = attention.alone(graph.node("Reshape", tokens, as_rows))
        return graph.node("Reshape", each, graph.integers(-1, cells, embed_dim))
    mean = graph.node("ReduceMean", tokens, graph.integers(1), keepdims=1)
    tokens = graph.node("Concat", mean, tokens, axis=1)
    positions = graph.weight("image.pool.positions", cells + 1, width)
    tokens = graph.node("Add", tokens, positions)
    first = graph.node("Gather", tokens, graph.constant(np.array(0, dtype=np.int64)), axis=1)
    split = graph.integers(-1, cells + 1, shape.heads, width // shape.heads)
    return attention(first, graph.node("Reshape", tokens, as_rows), split)
