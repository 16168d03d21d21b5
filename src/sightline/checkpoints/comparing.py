"""What two specs of the same tensors disagree about, and whether any vector would differ.

Enter at `differences`, and at `lost` for those that make another model.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from sightline.spec.towers import Spec, ViT

# Fields that a library may have a rule of its own for, each with the values that may stand for one
# another: the model is the same, and a rare picture or text comes to it a little differently.
# Whoever converts is told. Between two groups of cleanings lie capitals and punctuation, which most
# captions have: a model that is read with one of another group gives other answers.
ALIKE: Mapping[str, tuple[frozenset[str], ...]] = {
    "pixels.crop_rounding": (frozenset({"half_even", "floor"}),),  # a pixel, on odd sizes
    "words.clean": (
        frozenset({"openai", "nfc_lower", "lower"}),  # mojibake, escapes, white space
        frozenset({"canonical_space", "canonical_delete"}),  # these, and "_"
        frozenset({"whitespace", "none"}),
    ),
}
FREE = frozenset({"words.template"})  # no vector depends on it, and no other library writes it down


def differences(one: Spec, other: Spec) -> tuple[str, ...]:
    """Return the fields in which two specs mean different things, as "text.activation: a, not b".

    Fields that no vector depends on are no difference: where training started a scale from, how
    positions came to their size, and what stands after the end of a text that nothing looks at.
    """
    return tuple(_said(*found) for found in _compare(_meaning(one), _meaning(other), ""))


def lost(one: Spec, other: Spec) -> tuple[str, ...]:
    """Return those of the differences that no library may make: the answers would be others."""
    found = _compare(_meaning(one), _meaning(other), "")
    return tuple(_said(*each) for each in found if not _may_be_lost(*each))


def _said(where: str, ours: Any, theirs: Any) -> str:
    return f"{where}: {theirs!r}, not {ours!r}"


def _may_be_lost(where: str, ours: Any, theirs: Any) -> bool:
    return where in FREE or any({ours, theirs} <= group for group in ALIKE.get(where, ()))


def _compare(one: Any, other: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Walk two structs side by side."""
    if type(one) is not type(other) or not isinstance(one, msgspec.Struct):
        if one != other:
            yield where, one, other
        return
    for name in one.__struct_fields__:
        path = f"{where}.{name}" if where else name
        yield from _compare(getattr(one, name), getattr(other, name), path)


def _meaning(spec: Spec) -> Spec:
    """Write every way to say the same thing in one way."""
    text, words = spec.text, spec.words
    image = msgspec.structs.replace(spec.image, position_resized="no")
    if isinstance(image, ViT) and image.pool == "class_token":
        # Of one token, a norm before the pool or after is the same.
        image = msgspec.structs.replace(image, final_norm="after_pool")
    if text.may_trim:  # what follows the end is never seen
        words = msgspec.structs.replace(words, pad_id=words.end_id or 0)
        if words.end_id == text.vocab_size - 1:  # no id is higher
            text = msgspec.structs.replace(text, pool="end_token")
    pixels = spec.pixels
    if pixels.resize == "squash":  # nothing is left to crop
        pixels = msgspec.structs.replace(pixels, crop_rounding="half_even")
    head = msgspec.structs.replace(spec.head, logit_scale=0.0)
    if hasattr(head, "logit_bias"):
        head = msgspec.structs.replace(head, logit_bias=0.0)
    return msgspec.structs.replace(
        spec, image=image, text=text, words=words, head=head, pixels=pixels
    )
