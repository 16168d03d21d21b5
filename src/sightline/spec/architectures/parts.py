"""What the rows of the table are put together from. Enter at `clip` or `clip_vit`.

Numbers and names are OpenCLIP's (`model_configs/*.json` and `pretrained.py` of open_clip_torch
3.3.0, MIT). So is what a name means: "ViT-B-32" has the exact GELU and "ViT-B-32-quickgelu" the one
that OpenAI trained with. Pixels are those of all weights that it publishes of an architecture, or
what it takes where there are none.
"""

import math
from typing import TypeAlias

from msgspec.structs import replace

from sightline.spec.pixels import PixelRecipe
from sightline.spec.towers import PatchStem, ResNet, Softmax, Spec, TextTransformer, ViT
from sightline.spec.words import TextRecipe

Size: TypeAlias = tuple[int, int, int, int]  # width, layers, heads, MLP width

CLIP_HEAD = Softmax(logit_scale=math.log(1 / 0.07), max_scale=100.0)
CLIP_WORDS = TextRecipe(
    tokenizer="clip",
    clean="openai",
    context_length=77,
    start_id=49406,
    end_id=49407,
    pad_id=0,
    template="a photo of a {}.",
)
CLIP_PIXELS = PixelRecipe(
    size_px=224,
    resize="shortest",
    filter="bicubic",
    crop_rounding="half_even",
    mean=(0.48145466, 0.4578275, 0.40821073),
    std=(0.26862954, 0.26130258, 0.27577711),
)

S: Size = (384, 12, 6, 1536)
M: Size = (512, 12, 8, 2048)
B: Size = (768, 12, 12, 3072)
B_PLUS: Size = (896, 12, 14, 3584)
L: Size = (1024, 24, 16, 4096)
H: Size = (1280, 32, 16, 5120)
G: Size = (1408, 40, 16, 6144)
BIG_G: Size = (1664, 48, 16, 8192)
E: Size = (1792, 56, 16, 15360)
SO400M: Size = (1152, 27, 16, 4304)
GIANT_OPT: Size = (1536, 40, 16, 6144)


def clip(
    image: ViT | ResNet,
    text: TextTransformer,
    embed_dim: int,
    words: TextRecipe = CLIP_WORDS,
    pixels: PixelRecipe = CLIP_PIXELS,
) -> Spec:
    """Return a CLIP: softmax head, OpenAI's pixels and words unless others are said.

    Args:
        image: The image tower, whose size the pixels take.
        text: The text tower.
        embed_dim: Width of the shared space.
        words: How texts become rows.
        pixels: How pictures become pixels, at any size.
    """
    return Spec(
        image=image,
        text=text,
        head=CLIP_HEAD,
        embed_dim=embed_dim,
        pixels=replace(pixels, size_px=image.size_px),
        words=words,
    )


def clip_vit(patch: int, size_px: int, size: Size) -> ViT:
    """Return a CLIP image tower.

    Args:
        patch: Edge of a patch, in pixels.
        size_px: Edge of the input.
        size: Of its blocks.
    """
    width, layers, heads, mlp_width = size
    return ViT(
        size_px=size_px,
        stem=PatchStem(patch=patch, bias=False),
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=mlp_width,
        activation="gelu",
        norm_eps=1e-5,
        class_token=True,
        position="learned",
        position_resized="no",
        pre_norm=True,
        pool="class_token",
        final_norm="after_pool",
        projection="matrix",
    )


def clip_text(width: int, layers: int = 12) -> TextTransformer:
    """Return a CLIP text tower, with heads of 64.

    Args:
        width: Of its tokens.
        layers: How many blocks.
    """
    return TextTransformer(
        vocab_size=49408,
        width=width,
        layers=layers,
        heads=width // 64,
        mlp_width=4 * width,
        activation="gelu",
        norm_eps=1e-5,
        causal=True,
        pool="highest_id",
        projection="matrix",
    )


def quick(spec: Spec) -> Spec:
    """Return the same model with the GELU that OpenAI trained with, in both towers.

    Args:
        spec: Of exact GELUs.
    """
    text = replace(spec.text, activation="quick_gelu")
    image = spec.image
    if isinstance(image, ViT):
        image = replace(image, activation="quick_gelu")
    return replace(spec, image=image, text=text)


def squashed(spec: Spec) -> Spec:
    """Return the same model for pictures that lose their proportions.

    Args:
        spec: Of pixels that keep them.
    """
    return replace(spec, pixels=replace(spec.pixels, resize="squash"))
