"""Convolutional stems and the ResNet as ONNX operators. Enter at `add_stem` and `add_resnet`."""

from dataclasses import dataclass

from sightline.runtime.model_graph import Layer, ModelGraph
from sightline.spec.inventory import EXPANSION
from sightline.spec.towers import PatchStem, ResNet, ViT


@dataclass(frozen=True, kw_only=True)
class Maps:
    """Feature maps on their way: a value of the graph and its number of channels."""

    graph: ModelGraph
    value: str
    channels: int

    def convolve(
        self, name: str, norm: str, channels: int, *, kernel: int, stride: int = 1
    ) -> "Maps":
        """Add a convolution and its norm, which keep the size but for the stride."""
        layer = Layer(
            name=name,
            shape=(channels, self.channels, kernel, kernel),
            bias=False,
            norm=norm,
            attributes={"strides": (stride, stride), "pads": (kernel // 2,) * 4},
        )
        return Maps(graph=self.graph, value=self.graph.layer(layer, self.value), channels=channels)

    def relu(self) -> "Maps":
        """Add a rectifier."""
        return self._on("Relu")

    def shrink(self, factor: int) -> "Maps":
        """Add an average pool; by 1 there is nothing to add."""
        if factor == 1:
            return self
        size = (factor, factor)
        return self._on("AveragePool", kernel_shape=size, strides=size)

    def beside(self, skip: "Maps") -> "Maps":
        """Add what a skip carries."""
        return self._on("Add", skip.value)

    def as_tokens(self) -> str:
        """Add one row of channels per cell, row by row, grouped by image."""
        flat = self.graph.node("Reshape", self.value, self.graph.integers(0, self.channels, -1))
        return self.graph.node("Transpose", flat, perm=(0, 2, 1))

    def _on(self, operator: str, *inputs: str, **attributes: float | tuple[int, ...]) -> "Maps":
        """Add an operator that keeps the channels."""
        value = self.graph.node(operator, self.value, *inputs, **attributes)
        return Maps(graph=self.graph, value=value, channels=self.channels)


def add_stem(graph: ModelGraph, shape: ViT, pixels: str) -> str:
    """Add a vision transformer's stem; returns tokens grouped by image."""
    stem = shape.stem
    if isinstance(stem, PatchStem):
        return _patches(graph, shape, stem, pixels)
    maps = Maps(graph=graph, value=pixels, channels=3)
    maps = maps.convolve("image.stem.conv", "image.stem.bn", stem.first, kernel=3, stride=2).relu()
    for stage, (channels, count) in enumerate(zip(stem.channels, stem.blocks, strict=True)):
        for block in range(count):
            name = f"image.stem.stages.{stage}.{block}"
            maps = _basic_block(maps, name, channels, stride=1 if block else 2)
    if maps.channels != shape.width:
        size = (shape.width, maps.channels, 1, 1)
        layer = Layer(name="image.stem.projection", shape=size, bias=True)
        maps = Maps(graph=graph, value=graph.layer(layer, maps.value), channels=shape.width)
    return maps.as_tokens()


def _patches(graph: ModelGraph, shape: ViT, stem: PatchStem, pixels: str) -> str:
    """Add the whole patches as rows, and their product with the kernel.

    The same as a convolution that strides by its own size, which leaves out what no whole patch
    covers at the right and below (SigLIP's SO400M/14 at 384 px). ONNX Runtime has no convolution of
    eight bits whose answer stays wide: ViT-B/32's took 61 ms of 375, and takes 12 as a product.
    """
    patch, grid = stem.patch, shape.grid
    if shape.size_px % patch:
        ends = graph.integers(grid * patch, grid * patch)
        pixels = graph.node("Slice", pixels, graph.integers(0, 0), ends, graph.integers(2, 3))
    # 0 keeps the number of pictures: with -1 wrong pixels could pass as more of them.
    cut = graph.node("Reshape", pixels, graph.integers(0, 3, grid, patch, grid, patch))
    cells = graph.node("Transpose", cut, perm=(0, 2, 4, 1, 3, 5))
    rows = graph.node("Reshape", cells, graph.integers(-1, 3 * patch**2))
    kernel = (shape.width, 3, patch, patch)
    layer = Layer(name="image.stem.conv", shape=kernel, bias=stem.bias, by_rows=True)
    made = graph.layer(layer, rows)
    return graph.node("Reshape", made, graph.integers(-1, grid**2, shape.width))


def add_resnet(graph: ModelGraph, shape: ResNet, pixels: str) -> str:
    """Add CLIP's modified ResNet up to its last map; returns cells grouped by image."""
    half = shape.width // 2
    maps = Maps(graph=graph, value=pixels, channels=3)
    for index, (channels, stride) in enumerate(((half, 2), (half, 1), (shape.width, 1)), start=1):
        norm = f"image.stem.bn{index}"
        maps = maps.convolve(f"image.stem.conv{index}", norm, channels, kernel=3, stride=stride)
        maps = maps.relu()
    maps = maps.shrink(2)
    for stage, count in enumerate(shape.layers):
        for block in range(count):
            stride = 2 if stage and not block else 1
            name = f"image.stages.{stage}.{block}"
            maps = _bottleneck(maps, name, shape.width * 2**stage, stride=stride)
    return maps.as_tokens()


def _basic_block(maps: Maps, name: str, channels: int, *, stride: int) -> Maps:
    """Add two 3×3 convolutions beside a skip."""
    reworked = maps.convolve(f"{name}.conv1", f"{name}.bn1", channels, kernel=3, stride=stride)
    reworked = reworked.relu().convolve(f"{name}.conv2", f"{name}.bn2", channels, kernel=3)
    skip = maps
    if stride != 1 or maps.channels != channels:
        skip = maps.shrink(stride).convolve(f"{name}.skip.1", f"{name}.skip.2", channels, kernel=1)
    return reworked.beside(skip).relu()


def _bottleneck(maps: Maps, name: str, channels: int, *, stride: int) -> Maps:
    """Add 1×1, 3×3 and 1×1 convolutions beside a skip; a stride is an average pool."""
    wide = channels * EXPANSION
    reworked = maps.convolve(f"{name}.conv1", f"{name}.bn1", channels, kernel=1).relu()
    reworked = reworked.convolve(f"{name}.conv2", f"{name}.bn2", channels, kernel=3).relu()
    reworked = reworked.shrink(stride).convolve(f"{name}.conv3", f"{name}.bn3", wide, kernel=1)
    skip = maps
    if stride > 1 or maps.channels != wide:
        skip = maps.shrink(stride)
        skip = skip.convolve(f"{name}.skip.conv", f"{name}.skip.bn", wide, kernel=1)
    return reworked.beside(skip).relu()
