"""All published architectures by their names. Enter at `architecture`."""

import difflib
from collections.abc import Mapping

from msgspec.structs import replace

from sightline.errors import SpecError
from sightline.spec.architectures.clip import CLIP
from sightline.spec.architectures.other_words import OTHER_WORDS
from sightline.spec.architectures.refused import REFUSED
from sightline.spec.architectures.siglip import HALF, SIGLIP
from sightline.spec.towers import Spec

ARCHITECTURES: Mapping[str, Spec] = {**CLIP, **OTHER_WORDS, **SIGLIP}

# Where published weights of one architecture were trained with other pixels than the rest of them
# (`pretrained.py` of open_clip_torch 3.3.0): architecture → tag → what is other.
OTHER_PIXELS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "ViT-L-14": {"laion2b_s32b_b82k": {"mean": HALF, "std": HALF}},
    "ViT-H-14-quickgelu": {"dfn5b": {"resize": "squash"}},
}

NEAR = 0.87  # of 1, as difflib measures: one letter in eight is another


def architecture(name: str) -> Spec:
    """Return the spec of a published architecture.

    Args:
        name: As OpenCLIP spells it, "ViT-B-32" or "ViT-SO400M-14-SigLIP-384"; with the tag of
            weights behind it where those have pixels of their own, "ViT-L-14/laion2b_s32b_b82k".

    Raises:
        SpecError: There is no such name, or no spec can say what OpenCLIP has under it.

    Example:
        >>> architecture("ViT-L-14").embed_dim
        768
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    base, _, tag = name.partition("/")
    if tag in OTHER_PIXELS.get(base, {}):
        spec = ARCHITECTURES[base]
        return replace(spec, pixels=replace(spec.pixels, **OTHER_PIXELS[base][tag]))
    if name in REFUSED:
        raise SpecError(f"the architecture {name} is not read here: {REFUSED[name]}")
    raise SpecError(f"unknown architecture {name!r}: {_advice(name, base)}")


def _advice(name: str, base: str) -> str:
    """Say what an unknown name may have meant, or where all names stand."""
    if base in ARCHITECTURES:
        return f"give it without what follows {base}"
    spelling = {known.lower(): known for known in (*ARCHITECTURES, *REFUSED)}
    nearest = difflib.get_close_matches(name.lower(), spelling, n=1, cutoff=NEAR)
    if nearest:
        return f"did you mean {spelling[nearest[0]]!r}?"
    return f"docs/architectures.md lists the {len(ARCHITECTURES)} names of OpenCLIP's that are read"
