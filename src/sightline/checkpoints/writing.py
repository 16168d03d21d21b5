"""Write a model folder whole, or not at all. Enter at `write`."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightline.checkpoints.folder import BARE, CALIBRATION, CANARIES, MANIFEST, TOKENIZER
from sightline.checkpoints.layouts import Files, Model, sightline_files
from sightline.checkpoints.manifest import Record
from sightline.checkpoints.replacement import replacing, write_file
from sightline.checkpoints.safetensors_writing import Stored, storable, write_safetensors
from sightline.checkpoints.torch_writing import write_torch
from sightline.errors import CheckpointError
from sightline.spec.towers import Spec

WEIGHT_FILES = ("model.safetensors", "open_clip_model.safetensors", BARE)
# What is kept in model folders, of any layout, and made anew from the model.
BESIDE = (
    *WEIGHT_FILES,
    "open_clip_config.json",
    "image.onnx",
    "text.onnx",
    "patches.onnx",
    "results.json",
    "mistakes.jpg",
    CALIBRATION,
    CANARIES,
    "README.md",
    "config.json",
    "preprocessor_config.json",
    TOKENIZER,
    "tokenizer_config.json",
)


WRITERS: Mapping[str, Callable[[Path, Mapping[str, Stored]], None]] = {
    ".safetensors": write_safetensors,
    ".pt": write_torch,
}


def write(
    folder: str | Path,
    *,
    spec: Spec,
    tensors: Mapping[str, np.ndarray],
    record: Record,
    tokenizer_file: Path | None = None,
    calibration: Mapping[str, Any] | None = None,
) -> None:
    """Write a model folder beside its place and rename it there; a folder before it is replaced.

    Where transformers has a class for the architecture, `from_pretrained` opens the folder.

    Args:
        folder: Where; a folder that holds anything but a model is left alone.
        spec: What the model is.
        tensors: Name → array, stored in the array's own precision.
        record: Origin, licence and training data.
        tokenizer_file: The tokenizer.json to bring along; None where the tokenizer is CLIP's own.
        calibration: What goes into calibration.json; None leaves the model without one.

    Raises:
        CheckpointError: Something that cannot be stored, a place that is taken, a full disk.
    """
    stored = {name: storable(name, tensors[name]) for name in sorted(tensors)}
    model = Model(
        spec=spec,
        tensors=stored,
        record=record,
        tokenizer_file=tokenizer_file,
        calibration=calibration,
    )
    write_model(Path(folder), model, sightline_files)


def write_model(
    folder: Path,
    model: Model,
    layout: Callable[[Model], Files],
    check: Callable[[Path], object] = lambda draft: None,
) -> None:
    """Write a model in a layout; a check of what was written may still refuse it.

    Raises:
        CheckpointError: As for `write`, or what the check says.
    """
    _check_tokenizer(model)
    try:
        files = layout(model)
        _check_place(folder, {files.weights, CANARIES, *files.others})
        with replacing(folder) as draft:
            WRITERS[Path(files.weights).suffix](draft / files.weights, files.tensors)
            for name, contents in files.others.items():
                write_file(draft / name, contents)
            _checked(draft, folder, check)
    except OSError as error:
        raise CheckpointError(
            f"model folder {folder} cannot be written ({error.strerror or error}): "
            "free some space or choose another place; what was there before is untouched"
        ) from error


def _checked(draft: Path, folder: Path, check: Callable[[Path], object]) -> None:
    """Let what was written be checked, and name the place that it is for, not the draft's."""
    try:
        check(draft)
    except CheckpointError as error:
        raise CheckpointError(str(error).replace(str(draft), str(folder))) from error


def _check_place(folder: Path, names: Collection[str]) -> None:
    """Refuse to replace anything but a model folder, and one in which somebody keeps other things.

    Args:
        folder: The place.
        names: The files that are about to be written.
    """
    if not folder.is_dir():
        if folder.exists():
            raise CheckpointError(f"{folder} is a file: choose another place for the model folder")
        return
    try:
        there = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:  # another writer is just putting its own in this place
        return
    strange = [name for name in there if name not in {*names, MANIFEST, *BESIDE}]
    weights = [name for name in WEIGHT_FILES if name in there]
    if there and not (MANIFEST in there or (weights and not strange)):
        raise CheckpointError(
            f"{folder} holds {(strange or there)[0]} and no {MANIFEST}, so it is no model folder "
            "to replace: choose another place"
        )
    if strange:
        raise CheckpointError(
            f"{folder} holds {strange[0]}, which is no part of a model and would be lost: move it, "
            "or choose another place"
        )


def _check_tokenizer(model: Model) -> None:
    """Refuse a tokenizer file where the spec asks for none, and the other way round."""
    words, path = model.spec.words, model.tokenizer_file
    if (words.tokenizer == "file") != (path is not None):
        raise CheckpointError(
            f"the spec's tokenizer is {words.tokenizer!r} and the tokenizer file is {path}: "
            "give a file for 'file', and none otherwise"
        )
