"""All that can be said of a model without running it. Enter at `describe`."""

import math
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from sightline.checkpoints.checkpoint import Checkpoint
from sightline.checkpoints.comparing import differences
from sightline.checkpoints.number import number_of
from sightline.checkpoints.shared_folder import said_otherwise
from sightline.spec.architectures import ARCHITECTURES
from sightline.spec.cost import gflops, parameters
from sightline.spec.inventory import is_counter
from sightline.spec.towers import PatchStem, ResNet, Sigmoid, Spec, TextTransformer, ViT

FLOAT32_BYTES = 4
OWN = "its own"


class Architecture(msgspec.Struct, frozen=True):
    """The published architecture whose towers a model has, and what else differs from it."""

    name: str  # as OpenCLIP spells it, or "its own"
    but_for: tuple[str, ...] = ()  # fields of pixels and words


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """One model, as people and programs read it."""

    model: str
    layout: str
    architecture: Architecture
    spec: Spec
    parameters: Mapping[str, int]  # of each tower, of the head, of all
    gflops: Mapping[str, float]  # for one picture and one full row of ids
    memory_bytes: Mapping[str, int]  # of the weights, as they are stored and in float32
    precision: Mapping[str, int]  # how each number is stored → how many are
    scale: float  # what a cosine is multiplied by
    bias: float | None  # what is added then; None under softmax
    license: str
    origin: str
    training_data: tuple[str, ...]
    created_with: Mapping[str, str]
    has_calibration: bool
    fingerprint: str
    remarks: tuple[str, ...]


def describe(checkpoint: Checkpoint) -> Description:
    """Say what a model is and where it comes from; needs no engine.

    Args:
        checkpoint: An opened model.

    Raises:
        CheckpointError: Its scale or bias is no number that training ends with.
    """
    spec, record, weights = checkpoint.spec, checkpoint.record, checkpoint.weights
    counted, work = parameters(spec), gflops(spec)
    scale, bias = _head(checkpoint)
    precision: dict[str, int] = {}
    places = [weights.place(name) for name in weights.names() if not is_counter(name)]
    for place in places:
        precision[place.dtype] = precision.get(place.dtype, 0) + math.prod(place.shape)
    return Description(
        # A name that is no UTF-8 has no place in JSON
        model=os.fsencode(checkpoint.folder).decode(errors="replace"),
        layout=checkpoint.layout,
        architecture=nearest(spec),
        spec=spec,
        parameters=_by_tower(counted) | {"head": counted.head, "total": counted.total},
        gflops=_by_tower(work),
        memory_bytes={
            "stored": sum(place.length for place in places),
            "float32": FLOAT32_BYTES * sum(precision.values()),
        },
        precision=dict(sorted(precision.items(), key=lambda item: -item[1])),
        scale=scale,
        bias=bias,
        license=record.license,
        origin=record.origin,
        training_data=record.training_data,
        created_with=record.created_with,
        has_calibration=checkpoint.calibration is not None,
        fingerprint=checkpoint.fingerprint,
        remarks=(*checkpoint.remarks, *said_otherwise(checkpoint)),
    )


def _by_tower(cost: Any) -> dict[str, Any]:
    return {"image": cost.image, "text": cost.text}


def _head(checkpoint: Checkpoint) -> tuple[float, float | None]:
    """Read the scale and bias that training ended with."""
    head, weights = checkpoint.spec.head, checkpoint.weights
    scale = math.exp(number_of(weights, "logit_scale"))
    if isinstance(head, Sigmoid):
        return scale, number_of(weights, "logit_bias")
    return scale, None


def nearest(spec: Spec) -> Architecture:
    """Return the published architecture with these towers that differs least in all else.

    Args:
        spec: Of any model.
    """
    best: Architecture | None = None
    for name, known in ARCHITECTURES.items():
        fields = [said.split(":")[0] for said in differences(known, spec)]
        rest = tuple(field for field in fields if field.startswith(("pixels.", "words.")))
        if len(rest) == len(fields) and (best is None or len(rest) < len(best.but_for)):
            best = Architecture(name, rest)
    return best or Architecture(OWN)


def tower_line(tower: ViT | ResNet | TextTransformer) -> str:
    """Say in one line what a tower is.

    Args:
        tower: An image or a text tower.
    """
    if isinstance(tower, ResNet):
        blocks = "-".join(str(count) for count in tower.layers)
        return f"ResNet, blocks {blocks}, width {tower.width}, pool of {tower.heads} heads"
    layers = f"{tower.layers} layer{'s' * (tower.layers != 1)}"
    sizes = f"{layers}, width {tower.width}, {tower.heads} heads, MLP {tower.mlp_width}"
    kinds = f"{tower.activation}, eps {tower.norm_eps:g}, pool {tower.pool}"
    if isinstance(tower, ViT):
        stem = "patches" if isinstance(tower.stem, PatchStem) else "cells of a convolutional stem"
        stride = f"{tower.grid} × {tower.grid} {stem}, {tower.stem.stride} px each"
        return f"ViT, {stride}, {sizes}, {kinds}"
    masked = "causal" if tower.causal else "bidirectional"
    return f"{masked} transformer, {sizes}, {kinds}"
