"""Every field of a spec once, as networks small enough to run in both engines in a moment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from sightline.checkpoints import Checkpoint, read, write
from sightline.model import CLIP
from sightline.runtime.towers import Towers
from sightline.spec.towers import ConvStem, PatchStem, Spec, TextTransformer, ViT
from tiny_folder import RECORD
from tiny_specs import HYBRID, RESNET, SIGLIP_TEXT, SIGLIP_VIT, TEXT, VIT, WORDS, tiny_spec


def image(shape: ViT = VIT, **changes: Any) -> Spec:
    """Return a spec whose image tower has some fields changed."""
    return tiny_spec(msgspec.structs.replace(shape, **changes))


def text(shape: TextTransformer = TEXT, **changes: Any) -> Spec:
    """Return a spec whose text tower has some fields changed."""
    return tiny_spec(VIT, msgspec.structs.replace(shape, **changes))


SPECS: Mapping[str, Spec] = {
    "CLIP": tiny_spec(),
    "SigLIP": tiny_spec(SIGLIP_VIT, SIGLIP_TEXT, embed_dim=32),
    "hybrid": tiny_spec(HYBRID, msgspec.structs.replace(TEXT, pool="end_token")),
    "ResNet": tiny_spec(RESNET),
    "image: exact GELU": image(activation="gelu"),
    "image: tanh GELU": image(activation="gelu_tanh"),
    "image: other eps": image(norm_eps=1e-6),
    "image: patch bias": image(stem=PatchStem(patch=8, bias=True)),
    "image: patches that leave pixels out": image(stem=PatchStem(patch=7, bias=False)),
    "image: no positions": image(position="none"),
    "image: no pre-norm": image(pre_norm=False),
    "image: norm before the class token": image(final_norm="before_pool"),
    "image: mean beside a class token": image(pool="mean"),
    "image: mean, norm before": image(pool="mean", final_norm="before_pool"),
    "image: mean without a class token": image(pool="mean", class_token=False),
    "image: attention beside a class token": image(pool="attention"),
    "image: attention, norm before": image(SIGLIP_VIT, projection="matrix"),
    "image: attention, norm after": image(SIGLIP_VIT, projection="matrix", final_norm="after_pool"),
    "image: one head": image(heads=1),
    "image: stem as wide as the tower": image(
        HYBRID, stem=ConvStem(first=8, channels=(8, 32), blocks=(2, 1))
    ),
    "image: class token after convolutions": image(
        HYBRID, class_token=True, position="learned", pool="class_token"
    ),
    "text: exact GELU": text(activation="gelu"),
    "text: tanh GELU": text(activation="gelu_tanh"),
    "text: other eps": text(norm_eps=1e-6),
    "text: bidirectional": text(causal=False),
    "text: end token": text(pool="end_token"),
    "text: last": text(pool="last"),
    "text: first": text(pool="first", causal=False),
    "text: mean": text(pool="mean"),
    "text: projection with bias": text(projection="matrix_and_bias"),
    "text: no projection": tiny_spec(
        VIT, msgspec.structs.replace(TEXT, projection="none"), embed_dim=32
    ),
    "text: one layer, two heads": text(layers=1, heads=2),
}


def tiny_model(spec: Spec, seed: int = 0) -> CLIP:
    """Return a network in which every tensor matters: no zero bias, no unit norm."""
    draw = torch.Generator().manual_seed(seed)
    model = CLIP(spec)
    for name, tensor in model.state_dict().items():
        if "logit" in name or not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=draw)
        if name.endswith("running_var"):
            tensor.copy_(noise.abs() + 0.5)
        elif tensor.ndim == 1:
            tensor.copy_(0.1 * noise + name.endswith("weight"))
        else:
            # The first norm gets small numbers: only there a wrong eps shows.
            small = 0.02 if name.endswith(("stem.conv.weight", "tokens.weight", "positions")) else 1
            tensor.copy_(small * noise * tensor[0].numel() ** -0.5)
    return model.eval()


def saved(folder: Path, model: CLIP, dtype: type[np.floating[Any]] = np.float32) -> Checkpoint:
    """Write a network as a model folder and read it."""
    tensors = {
        name: tensor.numpy().astype(dtype) if tensor.is_floating_point() else tensor.numpy()
        for name, tensor in model.state_dict().items()
    }
    write(folder, spec=model.spec, tensors=tensors, record=RECORD)
    return read(folder)


def some_pixels(spec: Spec, count: int = 3) -> np.ndarray:
    """Return pixels drawn at random."""
    size = spec.image.size_px
    return np.random.default_rng(0).normal(size=(count, 3, size, size)).astype(np.float32)


def some_ids() -> np.ndarray:
    """Return rows of several lengths: start, words, end and pads, one with a second end."""
    rows = np.full((4, WORDS.context_length), WORDS.pad_id, dtype=np.int64)
    draw = np.random.default_rng(0)
    for row, length in zip(rows, (0, 3, 5, WORDS.room), strict=True):
        row[: length + 2] = [98, *draw.integers(1, 98, length), 99]
    rows[1, 7] = 99
    return rows


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors at length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def distances(one: Towers, other: Towers, spec: Spec) -> dict[str, float]:
    """Return how far apart two engines' unit vectors are, for each tower the worst."""
    pixels, ids = some_pixels(spec), some_ids()
    pairs = {
        "image": (one.image(pixels), other.image(pixels)),
        "patches": (one.patches(pixels), other.patches(pixels)),
        "text": (one.text(ids), other.text(ids)),
    }
    assert all(ours.shape == theirs.shape for ours, theirs in pairs.values())
    assert all(ours.dtype == theirs.dtype == np.float32 for ours, theirs in pairs.values())
    return {
        tower: float(np.abs(unit(ours) - unit(theirs)).max())
        for tower, (ours, theirs) in pairs.items()
    }
