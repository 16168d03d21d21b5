"""The papers' architectures as data, a module for each family. Enter at `architecture`.

A checkpoint's own record wins over this table.
"""

from sightline.spec.architectures.named import ARCHITECTURES, OTHER_PIXELS, architecture
from sightline.spec.architectures.parts import CLIP_HEAD, CLIP_WORDS
from sightline.spec.architectures.refused import REFUSED
from sightline.spec.architectures.siglip import SIGLIP_HEAD, SIGLIP_WORDS

__all__ = [
    "ARCHITECTURES",
    "CLIP_HEAD",
    "CLIP_WORDS",
    "OTHER_PIXELS",
    "REFUSED",
    "SIGLIP_HEAD",
    "SIGLIP_WORDS",
    "architecture",
]
