"""The tensors of a model: names and shapes, by arithmetic from its spec. Enter at `shapes`.

The names are those of the modules in `model/`, which a test compares. Nothing here needs torch.
"""

from collections.abc import Iterator
from typing import TypeAlias

from sightline.spec.towers import (
    ConvStem,
    PatchStem,
    ResNet,
    Sigmoid,
    Spec,
    TextTransformer,
    ViT,
)

Shape: TypeAlias = tuple[int, ...]
Named: TypeAlias = Iterator[tuple[str, Shape]]

EXPANSION = 4  # a bottleneck's output channels per inner channel
COUNTER = "num_batches_tracked"  # of a batch norm while it trains: no answer depends on it
STATISTICS = ("running_mean", "running_var")  # of a batch norm: what answers use, none learned them


def shapes(spec: Spec) -> dict[str, Shape]:
    """Return name → shape of every tensor that an answer depends on."""
    return dict(_everything(spec))


def is_counter(name: str) -> bool:
    """Tell a tensor that a model may have or lack without any answer changing."""
    return name.endswith(f".{COUNTER}")


def is_statistic(name: str) -> bool:
    """Tell a tensor that was measured while training, not learned."""
    return name.endswith(STATISTICS)


def _everything(spec: Spec) -> Named:
    image = spec.image
    yield from _vit(image, spec) if isinstance(image, ViT) else _resnet(image, spec.embed_dim)
    yield from _text(spec)
    yield "logit_scale", ()
    if isinstance(spec.head, Sigmoid):
        yield "logit_bias", ()


def _linear(name: str, wide_in: int, wide_out: int, *, bias: bool = True) -> Named:
    yield f"{name}.weight", (wide_out, wide_in)
    if bias:
        yield f"{name}.bias", (wide_out,)


def _norm(name: str, width: int) -> Named:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


def _convolution(name: str, norm: str, channels: tuple[int, int], kernel: int) -> Named:
    """Name a convolution without bias and the batch norm behind it."""
    before, after = channels
    yield f"{name}.weight", (after, before, kernel, kernel)
    yield from _norm(norm, after)
    for statistic in STATISTICS:
        yield f"{norm}.{statistic}", (after,)


def _attention(name: str, width: int, out_width: int) -> Named:
    for part in ("query", "key", "value"):
        yield from _linear(f"{name}.{part}", width, width)
    yield from _linear(f"{name}.out", width, out_width)


def _mlp(name: str, tower: ViT | TextTransformer) -> Named:
    yield from _linear(f"{name}.up", tower.width, tower.mlp_width)
    yield from _linear(f"{name}.down", tower.mlp_width, tower.width)


def _blocks(name: str, tower: ViT | TextTransformer) -> Named:
    for index in range(tower.layers):
        block = f"{name}.{index}"
        yield from _norm(f"{block}.attention_norm", tower.width)
        yield from _attention(f"{block}.attention", tower.width, tower.width)
        yield from _norm(f"{block}.mlp_norm", tower.width)
        yield from _mlp(f"{block}.mlp", tower)


def _text(spec: Spec) -> Named:
    text = spec.text
    yield "text.tokens.weight", (text.vocab_size, text.width)
    yield "text.positions", (spec.words.context_length, text.width)
    yield from _blocks("text.blocks", text)
    yield from _norm("text.final_norm", text.width)
    if text.projection != "none":
        bias = text.projection == "matrix_and_bias"
        yield from _linear("text.projection", text.width, spec.embed_dim, bias=bias)


def _vit(image: ViT, spec: Spec) -> Named:
    if isinstance(image.stem, PatchStem):
        patch = image.stem.patch
        yield "image.stem.conv.weight", (image.width, 3, patch, patch)
        if image.stem.bias:
            yield "image.stem.conv.bias", (image.width,)
    else:
        yield from _conv_stem(image.stem, image.width)
    if image.class_token:
        yield "image.class_token", (image.width,)
    if image.position == "learned":
        yield "image.positions", (image.grid**2 + image.class_token, image.width)
    if image.pre_norm:
        yield from _norm("image.pre_norm", image.width)
    yield from _blocks("image.blocks", image)
    yield from _norm("image.final_norm", image.width)
    if image.pool == "attention":
        yield "image.pool.probe", (image.width,)
        yield from _attention("image.pool.attention", image.width, image.width)
        yield from _norm("image.pool.norm", image.width)
        yield from _mlp("image.pool.mlp", image)
    if image.projection == "matrix":
        yield from _linear("image.projection", image.width, spec.embed_dim, bias=False)


def _conv_stem(stem: ConvStem, width: int) -> Named:
    yield from _convolution("image.stem.conv", "image.stem.bn", (3, stem.first), 3)
    before = stem.first
    for stage, (channels, count) in enumerate(zip(stem.channels, stem.blocks, strict=True)):
        for block in range(count):
            name = f"image.stem.stages.{stage}.{block}"
            yield from _convolution(f"{name}.conv1", f"{name}.bn1", (before, channels), 3)
            yield from _convolution(f"{name}.conv2", f"{name}.bn2", (channels, channels), 3)
            if not block:
                yield from _convolution(f"{name}.skip.1", f"{name}.skip.2", (before, channels), 1)
            before = channels
    if before != width:
        yield "image.stem.projection.weight", (width, before, 1, 1)
        yield "image.stem.projection.bias", (width,)


def _resnet(image: ResNet, embed_dim: int) -> Named:
    half = image.width // 2
    triple = ((3, half), (half, half), (half, image.width))
    for index, channels in enumerate(triple, start=1):
        yield from _convolution(f"image.stem.conv{index}", f"image.stem.bn{index}", channels, 3)
    before = image.width
    for stage, count in enumerate(image.layers):
        inner = image.width * 2**stage
        for block in range(count):
            yield from _bottleneck(f"image.stages.{stage}.{block}", before, inner, first=not block)
            before = EXPANSION * inner
    yield "image.pool.positions", (image.grid**2 + 1, before)
    yield from _attention("image.pool.attention", before, embed_dim)


def _bottleneck(name: str, before: int, inner: int, *, first: bool) -> Named:
    wide = EXPANSION * inner
    yield from _convolution(f"{name}.conv1", f"{name}.bn1", (before, inner), 1)
    yield from _convolution(f"{name}.conv2", f"{name}.bn2", (inner, inner), 3)
    yield from _convolution(f"{name}.conv3", f"{name}.bn3", (inner, wide), 1)
    if first:
        yield from _convolution(f"{name}.skip.conv", f"{name}.skip.bn", (before, wide), 1)
