"""OpenAI's archives as a spec: the shapes say everything but what is the same in all nine.

Enter at `openai_spec`. Source: openai/CLIP clip/model.py `build_model`, clip/clip.py `_transform`.
"""

import math
import re
from collections.abc import Callable, Mapping

import msgspec

from sightline.errors import SpecError
from sightline.spec.architectures import architecture
from sightline.spec.inventory import Shape
from sightline.spec.towers import PatchStem, ResNet, Spec, ViT

# Three whole numbers among the tensors, which OpenAI's archives have and no other layout has, and
# what a spec has for them.
SIGNS: Mapping[str, Callable[[Spec], int]] = {
    "input_resolution": lambda spec: spec.image.size_px,
    "context_length": lambda spec: spec.words.context_length,
    "vocab_size": lambda spec: spec.text.vocab_size,
}
HEAD_WIDTH = 64
MLP_RATIO = 4


def openai_spec(shapes: Mapping[str, Shape]) -> Spec:
    """Describe the model of an archive by its tensors' names and shapes.

    Raises:
        SpecError: The tensors are not those of a CLIP of OpenAI's.
    """
    # The first published architecture, with the numbers of the shapes.
    like = architecture("ViT-B-32-quickgelu" if "visual.proj" in shapes else "RN50-quickgelu")
    image = _vit(shapes, like) if "visual.proj" in shapes else _resnet(shapes)
    vocab_size, width = _axes(shapes, "token_embedding.weight", 2)
    text = msgspec.structs.replace(
        like.text,
        vocab_size=vocab_size,
        width=width,
        layers=_count(shapes, r"transformer\.resblocks\.(\d+)\..*"),
        heads=width // HEAD_WIDTH,
        mlp_width=MLP_RATIO * width,
    )
    context_length, _ = _axes(shapes, "positional_embedding", 2)
    return msgspec.structs.replace(
        like,
        image=image,
        text=text,
        embed_dim=_axes(shapes, "text_projection", 2)[1],
        pixels=msgspec.structs.replace(like.pixels, size_px=image.size_px),
        words=msgspec.structs.replace(like.words, context_length=context_length),
    )


def _vit(shapes: Mapping[str, Shape], like: Spec) -> ViT:
    assert isinstance(like.image, ViT)
    width, _, _, patch = _axes(shapes, "visual.conv1.weight", 4)
    grid = _grid(shapes, "visual.positional_embedding")
    return msgspec.structs.replace(
        like.image,
        size_px=grid * patch,
        stem=PatchStem(patch=patch, bias=False),
        width=width,
        layers=_count(shapes, r"visual\.transformer\.resblocks\.(\d+)\..*"),
        heads=width // HEAD_WIDTH,
        mlp_width=MLP_RATIO * width,
    )


def _resnet(shapes: Mapping[str, Shape]) -> ResNet:
    width = _axes(shapes, "visual.layer1.0.conv1.weight", 4)[0]
    grid = _grid(shapes, "visual.attnpool.positional_embedding")
    one, two, three, four = (
        _count(shapes, rf"visual\.layer{stage}\.(\d+)\..*") for stage in (1, 2, 3, 4)
    )
    return ResNet(
        size_px=grid * 32,
        width=width,
        layers=(one, two, three, four),
        heads=width * 32 // HEAD_WIDTH,
        position_resized="no",
    )


def _axes(shapes: Mapping[str, Shape], name: str, count: int) -> Shape:
    """Return a tensor's shape, which has so many axes."""
    shape = shapes.get(name)
    if shape is None or len(shape) != count:
        there = "it has no" if shape is None else f"of shape {list(shape)} it has the"
        raise SpecError(f"{there} {name}, which has {count} axes in OpenAI's archives")
    return shape


def _grid(shapes: Mapping[str, Shape], name: str) -> int:
    """Return how many cells a side has, by the positions of a square and one more."""
    positions = _axes(shapes, name, 2)[0]
    grid = math.isqrt(max(positions - 1, 0))
    if positions != grid**2 + 1:
        raise SpecError(f"its {name} has {positions} rows, which is no square and one more")
    return grid


def _count(shapes: Mapping[str, Shape], pattern: str) -> int:
    """Return how many different numbers stand at one place in the names."""
    matches = (re.fullmatch(pattern, name) for name in shapes)
    return len({match[1] for match in matches if match})


def openai_table(spec: Spec) -> str:
    """Return under which of OpenAI's names the tensors of a spec stand."""
    return "openai-resnet" if isinstance(spec.image, ResNet) else "openai"
