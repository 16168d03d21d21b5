"""What a model is, as data: towers, head, pixels and words. Enter at `Spec` or `architecture`."""

from typing import TYPE_CHECKING

from sightline.later import later
from sightline.spec.pixels import PixelRecipe
from sightline.spec.towers import (
    ConvStem,
    PatchStem,
    ResNet,
    Sigmoid,
    Softmax,
    Spec,
    TextTransformer,
    ViT,
)
from sightline.spec.words import TextRecipe, Words, open_words

if TYPE_CHECKING:
    from sightline.spec.architectures import architecture

__all__ = [
    "ConvStem",
    "PatchStem",
    "PixelRecipe",
    "ResNet",
    "Sigmoid",
    "Softmax",
    "Spec",
    "TextRecipe",
    "TextTransformer",
    "ViT",
    "Words",
    "architecture",
    "open_words",
]

__getattr__ = later(__name__, {"architecture": "sightline.spec.architectures"})
