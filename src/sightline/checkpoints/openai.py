"""OpenAI's archives as a spec: the shapes say everything but what is the same in all nine.

Enter at `openai_spec`. Source: openai/CLIP clip/model.py `build_model`, clip/clip.py `_transform`.
"""

import re
from collections.abc import Mapping

import msgspec

from sightline.errors import SpecError
from sightline.spec.architectures import architecture
from sightline.spec.inventory import Shape
from sightline.spec.towers import PatchStem, ResNet, Spec, ViT

# Three whole numbers among the tensors, which OpenAI's archives have and no other layout has.
SIGNS = frozenset({"input_resolution", "context_length", "vocab_size"})
HEAD_WIDTH = 64
MLP_RATIO = 4


def openai_spec(shapes: Mapping[str, Shape]) -> Spec:
    """Describe the model of an archive by its tensors' names and shapes.

    Raises:
        SpecError: The tensors are not those of a CLIP of OpenAI's.
    """
    try:
        return _described(shapes)
    except (KeyError, IndexError) as error:
        raise SpecError(f"it has no {error} of the shape that OpenAI's archives have") from error


def _described(shapes: Mapping[str, Shape]) -> Spec:
    """Change the numbers of the first published architecture to those of the shapes."""
    like = architecture("ViT-B-32-quickgelu" if "visual.proj" in shapes else "RN50-quickgelu")
    image = _vit(shapes, like) if "visual.proj" in shapes else _resnet(shapes)
    vocab_size, width = shapes["token_embedding.weight"]
    text = msgspec.structs.replace(
        like.text,
        vocab_size=vocab_size,
        width=width,
        layers=_count(shapes, r"transformer\.resblocks\.(\d+)\..*"),
        heads=width // HEAD_WIDTH,
        mlp_width=MLP_RATIO * width,
    )
    context_length = shapes["positional_embedding"][0]
    return msgspec.structs.replace(
        like,
        image=image,
        text=text,
        embed_dim=shapes["text_projection"][1],
        pixels=msgspec.structs.replace(like.pixels, size_px=image.size_px),
        words=msgspec.structs.replace(like.words, context_length=context_length),
    )


def _vit(shapes: Mapping[str, Shape], like: Spec) -> ViT:
    assert isinstance(like.image, ViT)
    width, _, _, patch = shapes["visual.conv1.weight"]
    grid = round((shapes["visual.positional_embedding"][0] - 1) ** 0.5)
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
    width = shapes["visual.layer1.0.conv1.weight"][0]
    grid = round((shapes["visual.attnpool.positional_embedding"][0] - 1) ** 0.5)
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


def _count(shapes: Mapping[str, Shape], pattern: str) -> int:
    """Return how many different numbers stand at one place in the names."""
    matches = (re.fullmatch(pattern, name) for name in shapes)
    return len({match[1] for match in matches if match})


def openai_table(spec: Spec) -> str:
    """Return under which of OpenAI's names the tensors of a spec stand."""
    return "openai-resnet" if isinstance(spec.image, ResNet) else "openai"
