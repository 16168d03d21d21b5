"""What transformers writes of a CLIP or SigLIP, as a spec and back. Enter at `FAMILIES`."""

from sightline.checkpoints.huggingface.families import FAMILIES, REFUSED, Family, family_of
from sightline.checkpoints.huggingface.pixels import pixels_in, processor_of
from sightline.checkpoints.huggingface.spec import huggingface_words

__all__ = [
    "FAMILIES",
    "REFUSED",
    "Family",
    "family_of",
    "huggingface_words",
    "pixels_in",
    "processor_of",
]
