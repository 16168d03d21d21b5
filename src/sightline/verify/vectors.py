"""Vectors against what canaries expect, and which field of a tower is wrong.

Enter at `check_vectors`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

import msgspec
import numpy as np

from sightline.checkpoints import Checkpoint
from sightline.errors import CheckpointError, SpecError
from sightline.runtime.onnx_towers import OnnxTowers
from sightline.scoring.vectors import unit
from sightline.shapes import Float32
from sightline.spec import ResNet, Spec, TextTransformer, ViT
from sightline.spec.document import spec_from_json
from sightline.verify.canaries import Canaries
from sightline.verify.findings import Note, agrees, differs, unknown
from sightline.verify.trying import Alternatives, changes, choices, remedy, variants

Side: TypeAlias = Literal["image", "text"]

# Of unit vectors. Both engines with one thread and with two are 4.6e-7 apart at worst over 31 small
# specs and 1.2e-7 over the bundled model; docs/decisions.md has what a wrong field shows.
TOLERANCE = 1e-5
EPS = (1e-5, 1e-6, 1e-12)  # of published models
HEAD_WIDTHS = (8, 16, 32, 64, 72, 80, 88, 96, 104, 128)
_CHOICES: Mapping[type, Alternatives] = {
    ViT: choices(ViT, "activation", "pool", "final_norm"),
    TextTransformer: choices(TextTransformer, "activation", "causal", "pool"),
}


def check_vectors(
    checkpoint: Checkpoint, canaries: Canaries, side: Side, *, is_intact: bool
) -> Note:
    """Compare the vectors of one tower; where they differ, find the field that makes them.

    Both towers start from the expected pixels and ids, so that a fault before them is not theirs.

    Args:
        checkpoint: The model.
        canaries: What it was.
        side: Which tower.
        is_intact: Whether all tensors are what they were: if not, no field is looked for.
    """
    part, given = f"{side} vectors", _given(canaries, side)
    strange = _misfit(checkpoint.spec, canaries, side)
    if strange is not None:
        return unknown(part, strange)
    try:
        far = _distance(checkpoint, canaries, side)
    except CheckpointError as error:
        return differs(part, f"the {side} tower does not open: {error}", side)
    if far <= TOLERANCE:
        near = f"to {far:.1g}, where {TOLERANCE:g} is allowed" if far else "to the last bit"
        return agrees(part, f"{len(given)} vectors are what they were, {near}")
    what = f"vectors differ by up to {far:.2g} (allowed: {TOLERANCE:g})"
    if not is_intact:
        return differs(part, f"{what}, as changed tensors would make them", side)
    for spec in _specs(checkpoint.spec, canaries, side):
        if _is_explained(_with(checkpoint, spec), canaries, side):
            wrong = changes(getattr(checkpoint.spec, side), getattr(spec, side), side)
            sentence = f"{what}; with {remedy(wrong)} they are as expected"
            return differs(part, sentence, *(name for name, _, _ in wrong))
    return differs(part, f"{what}; no one field of the {side} tower explains it", side)


def _given(canaries: Canaries, side: Side) -> np.ndarray:
    return canaries.pixels if side == "image" else canaries.ids


def _misfit(spec: Spec, canaries: Canaries, side: Side) -> str | None:
    """Say why a tower cannot take the canaries at all; None where it can."""
    if side == "image":
        size = canaries.pixels.shape[-1]
        fits = size == spec.image.size_px
        what = f"the expected pixels are {size} px and the tower takes {spec.image.size_px} px"
    else:
        length, vocabulary = canaries.ids.shape[1], spec.text.vocab_size
        least, most = int(canaries.ids.min()), int(canaries.ids.max())
        fits = length == spec.words.context_length and least >= 0 and most < vocabulary
        what = (
            f"the expected rows have {length} ids from {least} to {most}, and the tower takes "
            f"{spec.words.context_length} ids below {vocabulary}"
        )
    expected = _expected(canaries, side)
    if expected.shape[1] != spec.embed_dim:
        return f"expected vectors have {expected.shape[1]} numbers, and these {spec.embed_dim}"
    return None if fits else what


def _expected(canaries: Canaries, side: Side) -> Float32[np.ndarray, "rows embed_dim"]:
    return canaries.image_vectors if side == "image" else canaries.text_vectors


def _distance(checkpoint: Checkpoint, canaries: Canaries, side: Side) -> float:
    """Return how far the vectors are from the expected ones; infinite where one is none.

    Raises:
        CheckpointError: The spec does not fit the weights.
    """
    towers = OnnxTowers(checkpoint)
    run = towers.image if side == "image" else towers.text
    far = np.abs(unit(run(_given(canaries, side))) - _expected(canaries, side)).max()
    return np.inf if np.isnan(far) else float(far)


def _is_explained(checkpoint: Checkpoint, canaries: Canaries, side: Side) -> bool:
    """Tell whether a changed model gives the expected vectors."""
    try:
        return _distance(checkpoint, canaries, side) <= TOLERANCE
    except CheckpointError:  # its weights are not such a tower's
        return False


def _with(checkpoint: Checkpoint, spec: Spec) -> Checkpoint:
    """Return the same weights under another spec; digests are not computed again."""
    return replace(checkpoint, spec=spec, listed=checkpoint.tensors)


def _specs(spec: Spec, canaries: Canaries, side: Side) -> Iterator[Spec]:
    """Yield what the model may have been: what the canaries say, then one field changed."""
    try:
        said = spec_from_json(canaries.said.spec)
        yield msgspec.structs.replace(spec, **{side: getattr(said, side)})
    except SpecError:  # it has been edited as well
        pass
    tower = getattr(spec, side)
    for changed in variants(tower, alternatives(tower), most=1):
        try:
            made = msgspec.structs.replace(spec, **{side: changed})
        except SpecError:
            continue
        yield made


def alternatives(tower: ViT | ResNet | TextTransformer) -> Alternatives:
    """Return the fields of a tower that no tensor's shape tells, with what they may be.

    Args:
        tower: Of an image or a text tower's kind.
    """
    if isinstance(tower, ResNet):
        return {"heads": [32 * tower.width // width for width in HEAD_WIDTHS]}
    heads = [tower.width // width for width in HEAD_WIDTHS if tower.width % width == 0]
    return {**_CHOICES[type(tower)], "norm_eps": EPS, "heads": heads}
