"""What a model is, as data: towers, head, pixels and words. Enter at `Spec` or `architecture`."""

from sightline.spec.architectures import architecture
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
