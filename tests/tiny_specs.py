"""Specs small enough to run in a moment. Enter at `tiny_spec`; each function takes changes."""

import math
from typing import Any

import msgspec

from sightline.spec.pixels import PixelRecipe
from sightline.spec.towers import ConvStem, PatchStem, ResNet, Softmax, Spec, TextTransformer, ViT
from sightline.spec.words import TextRecipe

VIT = ViT(
    size_px=32,
    stem=PatchStem(patch=8, bias=False),
    width=32,
    layers=2,
    heads=4,
    mlp_width=48,
    activation="quick_gelu",
    norm_eps=1e-5,
    class_token=True,
    position="learned",
    position_resized="no",
    pre_norm=True,
    pool="class_token",
    final_norm="after_pool",
    projection="matrix",
)
SIGLIP_VIT = msgspec.structs.replace(
    VIT,
    stem=PatchStem(patch=8, bias=True),
    activation="gelu_tanh",
    norm_eps=1e-6,
    class_token=False,
    pre_norm=False,
    pool="attention",
    final_norm="before_pool",
    projection="none",
)
HYBRID = msgspec.structs.replace(
    VIT,
    stem=ConvStem(first=8, channels=(16, 24), blocks=(1, 2)),
    class_token=False,
    position="none",
    pool="mean",
    final_norm="before_pool",
)
RESNET = ResNet(size_px=64, width=8, layers=(1, 2, 1, 1), heads=4, position_resized="no")
TEXT = TextTransformer(
    vocab_size=100,
    width=32,
    layers=2,
    heads=4,
    mlp_width=64,
    activation="quick_gelu",
    norm_eps=1e-5,
    causal=True,
    pool="highest_id",
    projection="matrix",
)
SIGLIP_TEXT = msgspec.structs.replace(
    TEXT,
    activation="gelu_tanh",
    norm_eps=1e-6,
    causal=False,
    pool="last",
    projection="matrix_and_bias",
)
WORDS = TextRecipe(
    tokenizer="clip",
    clean="openai",
    context_length=12,
    start_id=98,
    end_id=99,
    pad_id=0,
    template="a photo of a {}.",
)


def tiny_spec(image: ViT | ResNet = VIT, text: TextTransformer = TEXT, **changes: Any) -> Spec:
    """Return a whole spec around two towers; `embed_dim`, `head` and `words` may be changed."""
    pixels = PixelRecipe(
        size_px=image.size_px,
        resize="shortest",
        filter="bicubic",
        crop_rounding="half_even",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    head = Softmax(logit_scale=math.log(1 / 0.07), max_scale=100.0)
    fields: dict[str, Any] = {"embed_dim": 24, "head": head, "words": WORDS, "pixels": pixels}
    return Spec(image=image, text=text, **(fields | changes))
