"""The bundled model's towers as they should not be, and roundings of them. Enter at `planted`."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn

from sightline.checkpoints import Checkpoint, read, write
from sightline.embedder import Embedder, embedder_of
from sightline.runtime import Towers
from sightline.runtime.onnx_towers import OnnxTowers
from sightline.runtime.torch_towers import TorchTowers, load_model

MOST = 127  # of int8, the same on both sides of zero
OUTLIERS = (3, 70, 130)  # channels

Change = Callable[[str, np.ndarray], np.ndarray]


@cache
def bundled() -> Checkpoint:
    """Open the bundled model."""
    return read()


class Kept:
    """Towers that compute the same rows once: every test asks the reference the same."""

    def __init__(self, towers: Towers, precision: str = "float32") -> None:
        self._towers = towers
        self._kept: dict[bytes, np.ndarray] = {}
        self.precision = precision
        self.description = f"simulated 1.0 in {precision}"

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """Return one vector per image."""
        return self._once(pixels, self._towers.image)

    def text(self, ids: np.ndarray) -> np.ndarray:
        """Return one vector per row of ids."""
        return self._once(ids, self._towers.text)

    def patches(self, pixels: np.ndarray) -> np.ndarray:
        """Return one vector per patch."""
        return self._towers.patches(pixels)

    def _once(self, rows: np.ndarray, run: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        key = str(rows.shape).encode() + rows.tobytes()
        if key not in self._kept:
            self._kept[key] = run(rows)
        return self._kept[key]


class Joined:
    """The image tower of one, the text tower of another."""

    def __init__(self, image: Towers, text: Towers, precision: str) -> None:
        self.image = image.image
        self.patches = image.patches
        self.text = text.text
        self.precision = precision
        self.description = f"simulated 1.0 in {precision}"


@cache
def reference() -> Embedder:
    """Return the bundled model in float32, without kept class vectors."""
    towers = Kept(OnnxTowers(bundled()))
    return msgspec.structs.replace(embedder_of(bundled()), towers=towers, cache=None)


def planted(towers: Towers, precision: str = "float32", **changes: Any) -> Embedder:
    """Return an embedder with the reference's name over other towers.

    Args:
        towers: What computes.
        precision: What they say they compute in.
        **changes: Of the embedder.
    """
    stated = Kept(towers, precision)
    return msgspec.structs.replace(reference(), towers=stated, **changes)


def with_spec(side: str, **changes: Any) -> Embedder:
    """Return an embedder of which one tower is other than its weights: a wrong conversion's."""
    tower = msgspec.structs.replace(getattr(bundled().spec, side), **changes)
    spec = msgspec.structs.replace(bundled().spec, **{side: tower})
    wrong = OnnxTowers(replace(bundled(), spec=spec, listed=bundled().tensors))
    right = reference().towers
    image, text = (wrong, right) if side == "image" else (right, wrong)
    return planted(Joined(image, text, precision="float32"), spec=spec)


def with_weights(folder: Path, *changes: Change) -> Towers:
    """Return towers over changed weights, written to a folder that is not there yet.

    Args:
        folder: Where to.
        *changes: Applied to each tensor in turn, by its name.
    """
    weights, tensors = bundled().weights, {}
    for name in weights.names():
        tensor = np.array(weights[name])
        for change in changes:
            if tensor.dtype.kind == "f":
                tensor = change(name, tensor.astype(np.float32))
        tensors[name] = tensor
    write(
        folder,
        spec=bundled().spec,
        tensors=tensors,
        record=bundled().record,
        tokenizer_file=bundled().tokenizer_file,
    )
    return OnnxTowers(read(folder))


def _rounded(tensor: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    if tensor.ndim < 2:
        return tensor
    scale = np.abs(tensor).max(axis=axes, keepdims=True).clip(1e-12) / MOST
    return np.asarray(np.rint(tensor / scale) * scale)


def by_channel(_: str, tensor: np.ndarray) -> np.ndarray:
    """Round a matrix or kernel to int8 with a scale for each row."""
    return _rounded(tensor, tuple(range(1, tensor.ndim)))


def by_tensor(_: str, tensor: np.ndarray) -> np.ndarray:
    """Round it with one scale for all: where one channel is large, the others are crushed."""
    return _rounded(tensor, tuple(range(tensor.ndim)))


def with_outliers(name: str, tensor: np.ndarray, times: float = 30.0) -> np.ndarray:
    """Make a few channels large in one layer and as much smaller in the next: nothing changes."""
    if ".blocks.0." not in name:
        return tensor
    channels, changed = list(OUTLIERS), tensor.copy()
    if ".attention.value." in name:
        changed[channels] *= times
    if name.endswith(".attention.out.weight"):
        changed[:, channels] /= times
    if ".mlp_norm." in name:
        changed[channels] /= times
    if name.endswith(".mlp.up.weight"):
        changed[:, channels] *= times
    return changed


def rounded_activations(*, from_batch: bool) -> Towers:
    """Return towers in which what enters each layer is rounded to int8.

    Args:
        from_batch: The scale is taken from the whole batch; else it is what a first batch of
            random numbers showed, once and for all.
    """
    network = load_model(bundled())
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_pre_hook(_rounding(from_batch=from_batch))
    return TorchTowers(network)


def _rounding(*, from_batch: bool) -> Callable[..., Any]:
    """Return a hook with a scale of its own."""
    kept: list[torch.Tensor] = []

    def before(_: nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        tensor, *others = given
        scale = kept[0] if kept else tensor.abs().amax().clamp_min(1e-12) / MOST
        if not from_batch:
            kept.append(scale)
        return ((tensor / scale).round().clamp(-MOST, MOST) * scale, *others)

    return before
