"""Write a model folder whole, or not at all. Enter at `write` and `convert`."""

from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sightline.checkpoints.checkpoint import Checkpoint
from sightline.checkpoints.folder import CALIBRATION, CANARIES, MANIFEST, TOKENIZER
from sightline.checkpoints.json_file import read_bytes
from sightline.checkpoints.layouts import (
    LAYOUTS,
    Files,
    Model,
    huggingface_files,
    transformers_class,
)
from sightline.checkpoints.manifest import Manifest, Record, TensorRecord, to_json
from sightline.checkpoints.replacement import replacing, write_file
from sightline.checkpoints.safetensors_writing import Stored, storable, write_safetensors
from sightline.checkpoints.torch_writing import write_torch
from sightline.errors import CheckpointError
from sightline.spec.document import spec_from_json, spec_to_json
from sightline.spec.towers import Spec

WEIGHT_FILES = ("model.safetensors", "open_clip_model.safetensors", "model.pt")
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
            check(draft)
    except OSError as error:
        raise CheckpointError(
            f"model folder {folder} cannot be written ({error.strerror or error}): "
            "free some space or choose another place; what was there before is untouched"
        ) from error


def sightline_files(model: Model) -> Files:
    """Describe a folder of ours; where transformers has a class for it, one that it opens too."""
    ours = {MANIFEST: to_json(_manifest(model))}
    if model.calibration is not None:
        ours[CALIBRATION] = msgspec.json.encode(model.calibration)
    if transformers_class(model.spec) is not None:
        theirs = huggingface_files(model)
        return msgspec.structs.replace(theirs, others={**theirs.others, **ours})
    if model.tokenizer_file is not None:
        ours[TOKENIZER] = read_bytes(model.tokenizer_file)
    if model.card is not None:
        ours["README.md"] = model.card
    return Files("model.safetensors", model.tensors, ours)


WRITERS: Mapping[str, Callable[[Path, Mapping[str, Stored]], None]] = {
    ".safetensors": write_safetensors,
    ".pt": write_torch,
}
ALL_LAYOUTS: Mapping[str, Callable[[Model], Files]] = {"sightline": sightline_files, **LAYOUTS}


def model_of(checkpoint: Checkpoint) -> Model:
    """Take a checkpoint as it is: its tensors as they are stored, its card and calibration."""
    weights, card = checkpoint.weights, checkpoint.folder / "README.md"
    return Model(
        spec=checkpoint.spec,
        tensors={
            name: Stored(weights.place(name).dtype, np.asarray(weights.words(name), order="C"))
            for name in weights.names()
        },
        record=checkpoint.record,
        tokenizer_file=checkpoint.tokenizer_file,
        calibration=checkpoint.calibration,
        card=read_bytes(card) if card.is_file() else None,
    )


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


def _manifest(model: Model) -> Manifest:
    """Describe the folder."""
    path, record = model.tokenizer_file, model.record
    created_with = {"sightline": version("sightline"), **record.created_with}
    return Manifest(
        # Through JSON and back, so that a whole number given for a float gives one fingerprint.
        spec=spec_from_json(spec_to_json(model.spec)),
        record=msgspec.structs.replace(record, created_with=created_with),
        tokenizer=None if path is None else sha256(read_bytes(path)).hexdigest(),
        tensors={
            name: TensorRecord(
                dtype=tensor.dtype,
                shape=tensor.words.shape,
                sha256=sha256(tensor.view).hexdigest(),
            )
            for name, tensor in model.tensors.items()
        },
    )
