"""A model folder: found, and opened exactly or not at all. Enter at `read_folder`."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from sightline.checkpoints.checkpoint import Checkpoint
from sightline.checkpoints.json_file import read_bytes, read_json, read_record
from sightline.checkpoints.manifest import Manifest, from_json
from sightline.checkpoints.names import fit, some, table_that_reads
from sightline.checkpoints.replacement import previous_of
from sightline.checkpoints.weights import Weights
from sightline.errors import CheckpointError
from sightline.tensors import TensorFile, open_tensors

WEIGHTS = "model.safetensors"
BARE = "model.pt"  # OpenAI's layout is no more than this file
MANIFEST = "sightline.json"
TOKENIZER = "tokenizer.json"
CALIBRATION = "calibration.json"
CANARIES = "canaries.safetensors"  # written and read by `verify`
LOOKS = 20
SHARED = frozenset({"logit_scale", "logit_bias"})  # names that every layout has


def read_folder(folder: Path) -> Checkpoint:
    """Open a folder of ours or of another library, without reading its weights.

    Raises:
        CheckpointError: Anything missing, left over, cut short, changed or unknown.
    """
    while True:
        found = _locate(folder)
        before = _identity(found)
        try:
            checkpoint = _open(found)
        except CheckpointError:
            if before is not None and _identity(found) == before:
                raise
            continue
        # A folder that was replaced meanwhile may have given the old record with the new weights.
        if _identity(found) == before:
            return checkpoint


def _locate(folder: Path) -> Path:
    """Return the folder, or what a writer that was killed while replacing it left in its place."""
    previous = previous_of(folder)
    for _ in range(LOOKS):  # between two looks a writer may rename either into the other's place
        for place in (folder, previous):
            if _identity(place) is not None and place.is_dir():
                return place
    raise CheckpointError(f"model folder {folder} does not exist: check the path")


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells this very folder from one renamed into its place."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _open(folder: Path) -> Checkpoint:
    """Open a folder that nobody replaces; our own record wins over another library's beside it."""
    path = folder / MANIFEST
    if path.exists():
        return _open_ours(folder, from_json(read_record(path), path))
    from sightline.checkpoints.published import read_bare, reader_of

    reader = reader_of(folder)
    if reader is None and (folder / BARE).is_file():
        return read_bare(folder / BARE, None)
    if reader is None:
        raise CheckpointError(
            f"{folder} has no {MANIFEST}, nor record and weights of another library, so it is no "
            "model folder: check the path"
        )
    return reader.read(folder)


def _open_ours(folder: Path, manifest: Manifest) -> Checkpoint:
    """Open a folder that our own record describes."""
    weights = _weights(manifest, open_tensors(folder / WEIGHTS))
    _compare(manifest, weights)
    _check_tokenizer(manifest, folder / TOKENIZER)
    return Checkpoint(
        folder=folder,
        layout="sightline",
        spec=manifest.spec,
        record=manifest.record,
        weights=weights,
        tokenizer_file=None if manifest.tokenizer is None else folder / TOKENIZER,
        listed=manifest.tensors,
        calibration=_calibration(folder / CALIBRATION),
    )


def _weights(manifest: Manifest, files: Sequence[TensorFile]) -> Weights:
    """Return the tensors by our names: the file has transformers' where a class of it exists."""
    names = [name for file in files for name in file.places]
    table = None if set(names) & manifest.tensors.keys() - SHARED else table_that_reads(names)
    return Weights(files) if table is None else fit(files, manifest.spec, table)


def _compare(manifest: Manifest, weights: Weights) -> None:
    """Refuse weights whose header is not what the manifest lists."""
    wanted = manifest.tensors
    missing = [name for name in wanted if name not in weights]
    left_over = [name for name in weights.names() if name not in wanted]
    changed = [
        name
        for name, tensor in wanted.items()
        if name in weights
        and (tensor.dtype, tensor.shape) != (weights.place(name).dtype, weights.place(name).shape)
    ]
    faults = (("lacks", missing), ("has left over", left_over), ("has of another shape", changed))
    said = [f"{verb} {some(names)}" for verb, names in faults if names]
    if said:
        raise CheckpointError(
            f"{weights.path} {' and '.join(said)} against {MANIFEST}: "
            "restore both from where the model came from"
        )


def _check_tokenizer(manifest: Manifest, path: Path) -> None:
    """Refuse a tokenizer file that the model was not trained with."""
    if manifest.tokenizer is None:
        return
    if sha256(read_bytes(path)).hexdigest() != manifest.tokenizer:
        raise CheckpointError(
            f"{path} is not the tokenizer this model was written with (its digest differs from "
            f"the one in {MANIFEST}): restore it from where the model came from"
        )


def _calibration(path: Path) -> Mapping[str, Any] | None:
    """Read calibration.json where there is one."""
    return read_json(path) if path.exists() else None
