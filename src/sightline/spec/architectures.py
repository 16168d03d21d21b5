"""The papers' architectures as data. Enter at `architecture`.

Names and numbers are OpenCLIP's (`model_configs/*.json` of open_clip_torch 3.3.0, MIT; the SigLIP
image towers are timm's, `models/vision_transformer.py` of timm 1.0.31, Apache-2.0). So is what a
name means: "ViT-B-32" has the exact GELU and "ViT-B-32-quickgelu" the one OpenAI trained with. A
checkpoint's own record wins over this table: Hugging Face's SigLIP has a tanh GELU throughout.
"""

import difflib
import math
from collections.abc import Mapping

from msgspec.structs import replace

from sightline.errors import SpecError
from sightline.spec.pixels import PixelRecipe
from sightline.spec.towers import (
    Activation,
    PatchStem,
    ResNet,
    Sigmoid,
    Softmax,
    Spec,
    TextTransformer,
    ViT,
)
from sightline.spec.words import TextRecipe

CLIP_HEAD = Softmax(logit_scale=math.log(1 / 0.07), max_scale=100.0)
SIGLIP_HEAD = Sigmoid(logit_scale=math.log(10), logit_bias=-10.0)
CLIP_WORDS = TextRecipe(
    tokenizer="clip",
    clean="openai",
    context_length=77,
    start_id=49406,
    end_id=49407,
    pad_id=0,
    template="a photo of a {}.",
)
SIGLIP_WORDS = TextRecipe(
    tokenizer="file",
    clean="canonical_space",  # OpenCLIP's; transformers deletes the underscore instead
    context_length=64,
    start_id=None,
    end_id=1,
    pad_id=1,
    template="This is a photo of {}.",
)
# Trained on lower-cased text (big_vision README_siglip2); OpenCLIP strips punctuation as well.
SIGLIP2_WORDS = replace(SIGLIP_WORDS, clean="lower", pad_id=0)


def architecture(name: str) -> Spec:
    """Return the spec of a published architecture.

    Args:
        name: As OpenCLIP spells it, "ViT-B-32" or "ViT-SO400M-14-SigLIP-384".

    Raises:
        SpecError: There is no such name; the message says the nearest one.

    Example:
        >>> architecture("ViT-L-14").embed_dim
        768
    """
    if name not in ARCHITECTURES:
        spelling = {known.lower(): known for known in ARCHITECTURES}
        [nearest] = difflib.get_close_matches(name.lower(), spelling, n=1, cutoff=0.0)
        raise SpecError(f"unknown architecture {name!r}: did you mean {spelling[nearest]!r}?")
    return ARCHITECTURES[name]


def _clip(image: ViT | ResNet, text: TextTransformer, embed_dim: int) -> Spec:
    """Return a CLIP: softmax head, OpenAI's pixels and words."""
    pixels = PixelRecipe(
        size_px=image.size_px,
        resize="shortest",
        filter="bicubic",
        crop_rounding="half_even",
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
    )
    return Spec(
        image=image,
        text=text,
        head=CLIP_HEAD,
        embed_dim=embed_dim,
        pixels=pixels,
        words=CLIP_WORDS,
    )


def _clip_vit(patch: int, size_px: int, shape: tuple[int, int, int, int]) -> ViT:
    """Return a CLIP image tower; `shape` is width, layers, heads and MLP width."""
    width, layers, heads, mlp_width = shape
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


def _clip_text(width: int, layers: int = 12) -> TextTransformer:
    """Return a CLIP text tower; its heads are 64 wide."""
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


def _resnet(width: int, size_px: int, layers: tuple[int, int, int, int]) -> ResNet:
    heads = width * 32 // 64
    return ResNet(size_px=size_px, width=width, layers=layers, heads=heads, position_resized="no")


def _quick(spec: Spec) -> Spec:
    """Return the same model with the GELU that OpenAI trained with, in both towers."""
    text = replace(spec.text, activation="quick_gelu")
    image = spec.image
    if isinstance(image, ViT):
        image = replace(image, activation="quick_gelu")
    return replace(spec, image=image, text=text)


def _siglip(image: ViT, text: TextTransformer, words: TextRecipe) -> Spec:
    """Return a SigLIP: sigmoid head, squashed pixels; the shared space is the image's width."""
    half = (0.5, 0.5, 0.5)
    pixels = PixelRecipe(
        size_px=image.size_px,
        resize="squash",
        filter="bicubic",
        crop_rounding="half_even",  # nothing is left to crop
        mean=half,
        std=half,
    )
    return Spec(
        image=image,
        text=text,
        head=SIGLIP_HEAD,
        embed_dim=image.width,
        pixels=pixels,
        words=words,
    )


def _siglip_vit(
    patch: int, size_px: int, shape: tuple[int, int, int, int], activation: Activation = "gelu"
) -> ViT:
    """Return a SigLIP image tower; `shape` is width, layers, heads and MLP width."""
    return replace(
        _clip_vit(patch, size_px, shape),
        stem=PatchStem(patch=patch, bias=True),
        activation=activation,
        norm_eps=1e-6,
        class_token=False,
        pre_norm=False,
        pool="attention",
        final_norm="before_pool",
        projection="none",
    )


def _siglip_text(
    shape: tuple[int, int, int, int], vocab_size: int, activation: Activation
) -> TextTransformer:
    """Return a SigLIP text tower; `shape` is width, layers, heads and MLP width."""
    width, layers, heads, mlp_width = shape
    return TextTransformer(
        vocab_size=vocab_size,
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=mlp_width,
        activation=activation,
        norm_eps=1e-6,
        causal=False,
        pool="last",
        projection="matrix_and_bias",
    )


# width, layers, heads, MLP width
B = (768, 12, 12, 3072)
L = (1024, 24, 16, 4096)
H = (1280, 32, 16, 5120)
G = (1408, 40, 16, 6144)
BIG_G = (1664, 48, 16, 8192)
SO400M = (1152, 27, 16, 4304)
GIANT_OPT = (1536, 40, 16, 6144)

_RN50 = _clip(_resnet(64, 224, (3, 4, 6, 3)), _clip_text(512), 1024)
_RN101 = _clip(_resnet(64, 224, (3, 4, 23, 3)), _clip_text(512), 512)
_RN50X4 = _clip(_resnet(80, 288, (4, 6, 10, 6)), _clip_text(640), 640)
_RN50X16 = _clip(_resnet(96, 384, (6, 8, 18, 8)), _clip_text(768), 768)
_RN50X64 = _clip(_resnet(128, 448, (3, 15, 36, 10)), _clip_text(1024), 1024)
_B_32 = _clip(_clip_vit(32, 224, B), _clip_text(512), 512)
_B_32_256 = _clip(_clip_vit(32, 256, B), _clip_text(512), 512)
_B_16 = _clip(_clip_vit(16, 224, B), _clip_text(512), 512)
_L_14 = _clip(_clip_vit(14, 224, L), _clip_text(768), 768)
_L_14_336 = _clip(_clip_vit(14, 336, L), _clip_text(768), 768)
_H_14 = _clip(_clip_vit(14, 224, H), _clip_text(1024, 24), 1024)
_H_14_378 = _clip(_clip_vit(14, 378, H), _clip_text(1024, 24), 1024)
_G_14 = _clip(_clip_vit(14, 224, G), _clip_text(1024, 24), 1024)
_BIG_G_14 = _clip(_clip_vit(14, 224, BIG_G), _clip_text(1280, 32), 1280)


def _siglip1(image: ViT, vocab_size: int = 32000, context_length: int = 64) -> Spec:
    """Return a first SigLIP, whose text tower has the image tower's shape."""
    shape = (image.width, image.layers, image.heads, image.mlp_width)
    words = replace(SIGLIP_WORDS, context_length=context_length)
    return _siglip(image, _siglip_text(shape, vocab_size, "gelu"), words)


def _siglip2(
    patch: int, size_px: int, shape: tuple[int, int, int, int], activation: Activation
) -> Spec:
    """Return a SigLIP 2: Gemma's vocabulary, a tanh GELU in the text tower.

    The giant image tower is paired with the text tower of SO400M.
    """
    text = _siglip_text(SO400M if shape == GIANT_OPT else shape, 256000, "gelu_tanh")
    return _siglip(_siglip_vit(patch, size_px, shape, activation), text, SIGLIP2_WORDS)


ARCHITECTURES: Mapping[str, Spec] = {
    "RN50": _RN50,
    "RN50-quickgelu": _quick(_RN50),
    "RN101": _RN101,
    "RN101-quickgelu": _quick(_RN101),
    "RN50x4": _RN50X4,
    "RN50x4-quickgelu": _quick(_RN50X4),
    "RN50x16": _RN50X16,
    "RN50x16-quickgelu": _quick(_RN50X16),
    "RN50x64": _RN50X64,
    "RN50x64-quickgelu": _quick(_RN50X64),
    "ViT-B-32": _B_32,
    "ViT-B-32-quickgelu": _quick(_B_32),
    "ViT-B-32-256": _B_32_256,
    "ViT-B-16": _B_16,
    "ViT-B-16-quickgelu": _quick(_B_16),
    "ViT-L-14": _L_14,
    "ViT-L-14-quickgelu": _quick(_L_14),
    "ViT-L-14-336": _L_14_336,
    "ViT-L-14-336-quickgelu": _quick(_L_14_336),
    "ViT-H-14": _H_14,
    "ViT-H-14-quickgelu": _quick(_H_14),
    "ViT-H-14-378": _H_14_378,
    "ViT-H-14-378-quickgelu": _quick(_H_14_378),
    "ViT-g-14": _G_14,
    "ViT-bigG-14": _BIG_G_14,
    "ViT-bigG-14-quickgelu": _quick(_BIG_G_14),
    "ViT-B-16-SigLIP": _siglip1(_siglip_vit(16, 224, B)),
    "ViT-B-16-SigLIP-256": _siglip1(_siglip_vit(16, 256, B)),
    "ViT-B-16-SigLIP-384": _siglip1(_siglip_vit(16, 384, B)),
    "ViT-B-16-SigLIP-512": _siglip1(_siglip_vit(16, 512, B)),
    "ViT-B-16-SigLIP-i18n-256": _siglip1(_siglip_vit(16, 256, B), vocab_size=250000),
    "ViT-L-16-SigLIP-256": _siglip1(_siglip_vit(16, 256, L)),
    "ViT-L-16-SigLIP-384": _siglip1(_siglip_vit(16, 384, L)),
    "ViT-SO400M-14-SigLIP": _siglip1(_siglip_vit(14, 224, SO400M), context_length=16),
    "ViT-SO400M-14-SigLIP-378": _siglip1(_siglip_vit(14, 378, SO400M)),
    "ViT-SO400M-14-SigLIP-384": _siglip1(_siglip_vit(14, 384, SO400M)),
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
