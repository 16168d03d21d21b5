"""SigLIP and SigLIP 2 of fixed resolution, as OpenCLIP has them. Enter at `SIGLIP`.

The image towers are timm's (`models/vision_transformer.py` of timm 1.0.31, Apache-2.0). Hugging
Face's files say other things of the same weights, a tanh GELU throughout and another cleaning:
whichever layout is read decides.
"""

import math
from collections.abc import Mapping

from msgspec.structs import replace

from sightline.spec.architectures.parts import (
    CLIP_PIXELS,
    GIANT_OPT,
    SO400M,
    B,
    L,
    Size,
    clip_text,
    clip_vit,
)
from sightline.spec.towers import Activation, PatchStem, Sigmoid, Spec, TextTransformer, ViT
from sightline.spec.words import TextRecipe

HALF = (0.5, 0.5, 0.5)
SIGLIP_HEAD = Sigmoid(logit_scale=math.log(10), logit_bias=-10.0)
SIGLIP_PIXELS = replace(CLIP_PIXELS, resize="squash", mean=HALF, std=HALF)
SIGLIP_WORDS = TextRecipe(
    tokenizer="file",
    clean="canonical_space",
    context_length=64,
    start_id=None,
    end_id=1,
    pad_id=1,
    template="This is a photo of {}.",
)
SIGLIP2_WORDS = replace(SIGLIP_WORDS, pad_id=0)


def _vit(patch: int, size_px: int, size: Size, activation: Activation = "gelu") -> ViT:
    """Return a SigLIP image tower."""
    return replace(
        clip_vit(patch, size_px, size),
        stem=PatchStem(patch=patch, bias=True),
        activation=activation,
        norm_eps=1e-6,
        class_token=False,
        pre_norm=False,
        pool="attention",
        final_norm="before_pool",
        projection="none",
    )


def _text(size: Size, vocab_size: int, activation: Activation) -> TextTransformer:
    """Return a SigLIP text tower."""
    width, layers, heads, mlp_width = size
    return replace(
        clip_text(width, layers),
        vocab_size=vocab_size,
        heads=heads,
        mlp_width=mlp_width,
        activation=activation,
        norm_eps=1e-6,
        causal=False,
        pool="last",
        projection="matrix_and_bias",
    )


def _siglip(image: ViT, text: TextTransformer, words: TextRecipe) -> Spec:
    """Return a SigLIP, whose shared space is as wide as its image tower."""
    return Spec(
        image=image,
        text=text,
        head=SIGLIP_HEAD,
        embed_dim=image.width,
        pixels=replace(SIGLIP_PIXELS, size_px=image.size_px),
        words=words,
    )


def _siglip1(image: ViT, vocab_size: int = 32_000, context_length: int = 64) -> Spec:
    """Return a first SigLIP, whose text tower has the image tower's size."""
    size = (image.width, image.layers, image.heads, image.mlp_width)
    words = replace(SIGLIP_WORDS, context_length=context_length)
    return _siglip(image, _text(size, vocab_size, "gelu"), words)


def _siglip2(patch: int, size_px: int, size: Size, activation: Activation) -> Spec:
    """Return a SigLIP 2: Gemma's vocabulary, a tanh GELU in the text tower.

    The giant image tower is paired with the text tower of SO400M.
    """
    text = _text(SO400M if size == GIANT_OPT else size, 256_000, "gelu_tanh")
    return _siglip(_vit(patch, size_px, size, activation), text, SIGLIP2_WORDS)


def _unprojected(spec: Spec) -> Spec:
    """Return the same model without a matrix after its text tower."""
    return replace(spec, text=replace(spec.text, projection="none"))


SIGLIP: Mapping[str, Spec] = {
    "ViT-B-16-SigLIP": _siglip1(_vit(16, 224, B)),
    "ViT-B-16-SigLIP-256": _siglip1(_vit(16, 256, B)),
    "ViT-B-16-SigLIP-384": _siglip1(_vit(16, 384, B)),
    "ViT-B-16-SigLIP-512": _siglip1(_vit(16, 512, B)),
    "ViT-B-16-SigLIP-i18n-256": _siglip1(_vit(16, 256, B), vocab_size=250_000),
    "ViT-L-16-SigLIP-256": _siglip1(_vit(16, 256, L)),
    "ViT-L-16-SigLIP-384": _siglip1(_vit(16, 384, L)),
    "ViT-SO400M-14-SigLIP": _siglip1(_vit(14, 224, SO400M), context_length=16),
    "ViT-SO400M-14-SigLIP-378": _siglip1(_vit(14, 378, SO400M)),
    "ViT-SO400M-14-SigLIP-384": _siglip1(_vit(14, 384, SO400M)),
    "ViT-SO400M-16-SigLIP-i18n-256": _unprojected(
        _siglip1(_vit(16, 256, SO400M, "gelu_tanh"), vocab_size=250_000)
    ),
    "ViT-B-32-SigLIP2-256": _siglip2(32, 256, B, "gelu_tanh"),
    "ViT-B-16-SigLIP2": _siglip2(16, 224, B, "gelu"),
    "ViT-B-16-SigLIP2-256": _siglip2(16, 256, B, "gelu"),
    "ViT-B-16-SigLIP2-384": _siglip2(16, 384, B, "gelu"),
    "ViT-B-16-SigLIP2-512": _siglip2(16, 512, B, "gelu"),
    "ViT-L-16-SigLIP2-256": _siglip2(16, 256, L, "gelu"),
    "ViT-L-16-SigLIP2-384": _siglip2(16, 384, L, "gelu"),
    "ViT-L-16-SigLIP2-512": _siglip2(16, 512, L, "gelu"),
    "ViT-SO400M-14-SigLIP2": _siglip2(14, 224, SO400M, "gelu"),
    "ViT-SO400M-14-SigLIP2-378": _siglip2(14, 378, SO400M, "gelu"),
    "ViT-SO400M-16-SigLIP2-256": _siglip2(16, 256, SO400M, "gelu_tanh"),
    "ViT-SO400M-16-SigLIP2-384": _siglip2(16, 384, SO400M, "gelu_tanh"),
    "ViT-SO400M-16-SigLIP2-512": _siglip2(16, 512, SO400M, "gelu_tanh"),
    "ViT-gopt-16-SigLIP2-256": _siglip2(16, 256, GIANT_OPT, "gelu_tanh"),
    "ViT-gopt-16-SigLIP2-384": _siglip2(16, 384, GIANT_OPT, "gelu_tanh"),
}
