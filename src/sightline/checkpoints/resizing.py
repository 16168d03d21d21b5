"""A model for pictures of another size: its image tower's positions resized. Enter at `resize`."""

import math
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np

from sightline import settings
from sightline.checkpoints.checkpoint import Checkpoint
from sightline.checkpoints.layouts import model_of, sightline_files
from sightline.checkpoints.manifest import Record
from sightline.checkpoints.safetensors_writing import Stored
from sightline.checkpoints.writing import write_model
from sightline.errors import CheckpointError, RuntimeUnavailable, SpecError
from sightline.shapes import Float32
from sightline.spec.inventory import shapes
from sightline.spec.towers import ResNet, Spec, ViT
from sightline.tensors import STORED

ANTIALIAS: Mapping[str, bool] = {"antialias": True, "plain": False}  # rule → whether it smooths
RULES: Mapping[str, str] = {  # layout → the rule of the library that reads it
    "openclip": "antialias",
    "openai": "antialias",  # OpenAI's own code has none, OpenCLIP reads its files
    "huggingface": "plain",
}


def resize(
    checkpoint: Checkpoint,
    folder: str | Path,
    size_px: int,
    how: str | None = None,
    *,
    seal: Callable[[Path], object] = lambda written: None,
) -> Spec:
    """Write a model folder whose image tower takes pictures of another size.

    Learned positions are resized by a bicubic filter in float32, the class token's (in a ResNet,
    the mean's) kept as it is, and stored in their own precision; all other tensors stay as they
    are. Calibration and card stay behind: both say what was measured at the old size.

    Args:
        checkpoint: What to resize.
        folder: Where: a new folder, or an empty one.
        size_px: The edge of the pictures.
        how: "antialias" as OpenCLIP does it, "plain" as Hugging Face does it; None is the rule of
            the library whose layout was read. Needless where no position changes.
        seal: As for `convert`.

    Returns:
        The spec of what was written; its `image.position_resized` says how.

    Raises:
        SpecError: The size is the model's own, or does not suit its stem.
        CheckpointError: No rule, or none that is known; positions that were resized before; a place
            that is taken; a full disk.
        RuntimeUnavailable: Positions have to be resized, and torch is not installed.

    Source:
        open_clip 3.3 model.py `resize_pos_embed` (timm's towers: `resample_abs_pos_embed`, the
        same filter); transformers 5.23 modeling_clip.py and modeling_siglip.py
        `interpolate_pos_encoding`.
    """
    if how is not None and how not in ANTIALIAS:
        raise CheckpointError(f"positions cannot be resized by {how!r}: give antialias or plain")
    _check_place(Path(folder))
    before, spec = checkpoint.spec, _at(checkpoint.spec, size_px)
    model = model_of(checkpoint)
    tensors, table = dict(model.tensors), _positions(spec.image)
    if table is not None and spec.image.grid != before.image.grid:
        rule = _rule(checkpoint, how)
        old = _table(checkpoint, table.name)
        new = _resized(old, table.kept, spec.image.grid, antialias=ANTIALIAS[rule])
        tensors[table.name] = _stored(new, tensors[table.name].dtype)
        image = msgspec.structs.replace(spec.image, position_resized=rule)
        spec = msgspec.structs.replace(spec, image=image)
    changes = {"spec": spec, "tensors": tensors, "record": _record(checkpoint.record, before, spec)}
    resized = msgspec.structs.replace(model, **changes, calibration=None, card=None)
    write_model(Path(folder), resized, sightline_files, seal)
    return spec


def _check_place(folder: Path) -> None:
    """Refuse a place where something is: the model that is resized, for one."""
    if folder.is_dir() and any(folder.iterdir()):
        raise CheckpointError(f"{folder} is not empty: choose another place")


class _Positions(msgspec.Struct, frozen=True):
    """The learned positions of an image tower."""

    name: str  # of the tensor
    kept: int  # rows before those of the grid: a class token's, a ResNet's mean


def _positions(image: ViT | ResNet) -> _Positions | None:
    """Return where an image tower's positions are; None where it has learned none."""
    if isinstance(image, ResNet):
        return _Positions("image.pool.positions", 1)
    learned = image.position == "learned"
    return _Positions("image.positions", int(image.class_token)) if learned else None


def _table(checkpoint: Checkpoint, name: str) -> Float32[np.ndarray, "tokens width"]:
    """Read the positions; a folder of ours was compared with its own record, not with its spec."""
    there, wanted = checkpoint.weights, shapes(checkpoint.spec)[name]
    if name not in there or there.place(name).shape != wanted:
        raise CheckpointError(
            f"{there.path} has no {name} of shape {list(wanted)}, which its spec asks for: the two "
            "do not belong together"
        )
    return np.array(there[name], dtype=np.float32)


def _at(spec: Spec, size_px: int) -> Spec:
    """Return the spec at another size, its positions not yet spoken of."""
    if size_px == spec.image.size_px:
        raise SpecError(f"the model takes pictures of {size_px} px already: give another size")
    if size_px > 0 and size_px**2 > settings.MAX_IMAGE_PIXELS:
        raise SpecError(
            f"pictures of {size_px} × {size_px} pixels are more than the "
            f"{settings.MAX_IMAGE_PIXELS} that are read: give a smaller size"
        )
    return msgspec.structs.replace(
        spec,
        image=msgspec.structs.replace(spec.image, size_px=size_px),
        pixels=msgspec.structs.replace(spec.pixels, size_px=size_px),
    )


def _rule(checkpoint: Checkpoint, how: str | None) -> str:
    """Return by which rule to resize."""
    done = checkpoint.spec.image.position_resized
    if done != "no":  # each time loses something, and no library has done it twice
        raise CheckpointError(
            f"the positions of {checkpoint.folder} were resized before ({done}): resize the model "
            "that they came from"
        )
    rule = how or RULES.get(checkpoint.layout)
    if rule is None:
        raise CheckpointError(
            f"{checkpoint.folder} is in {checkpoint.layout} layout, whose positions libraries "
            "resize in two ways: give antialias (as OpenCLIP) or plain (as Hugging Face)"
        )
    return rule


def _resized(
    table: Float32[np.ndarray, "tokens width"], kept: int, grid: int, *, antialias: bool
) -> Float32[np.ndarray, "_ width"]:
    """Resize the rows of a square grid, and leave those before it."""
    if find_spec("torch") is None:
        raise RuntimeUnavailable(
            "positions are resized with torch, which is an extra: install sightline[torch]"
        )
    import torch

    old, width = math.isqrt(len(table) - kept), table.shape[1]
    cells = torch.from_numpy(table[kept:]).reshape(1, old, old, width).permute(0, 3, 1, 2)
    made = torch.nn.functional.interpolate(
        cells, (grid, grid), mode="bicubic", align_corners=False, antialias=antialias
    )
    rows = made.permute(0, 2, 3, 1).reshape(grid * grid, width).numpy()
    return np.concatenate([table[:kept], rows])


def _stored(table: Float32[np.ndarray, "tokens width"], dtype: str) -> Stored:
    """Round to the precision that the positions had."""
    if dtype != "BF16":
        return Stored(dtype, table.astype(STORED[dtype]))
    import torch  # NumPy lacks the type

    return Stored(dtype, torch.from_numpy(table).bfloat16().view(torch.uint16).numpy())


def _record(record: Record, before: Spec, after: Spec) -> Record:
    """Say what was done, before where the model came from."""
    rule = after.image.position_resized
    by = "no position changed" if rule == before.image.position_resized else f"positions: {rule}"
    sizes = f"from {before.image.size_px} to {after.image.size_px} px"
    origin = f"resized by Sightline {sizes} ({by}), from a model {record.origin}"
    return msgspec.structs.replace(record, origin=origin)
