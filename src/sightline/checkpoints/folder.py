"""Read a model folder into one `Checkpoint`, or say in a sentence why not. Enter at `read`."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from sightline.checkpoints.manifest import Manifest, Record, from_json
from sightline.checkpoints.replacement import previous_of
from sightline.checkpoints.weights import Weights
from sightline.errors import CheckpointError
from sightline.spec.towers import Spec

WEIGHTS = "model.safetensors"
MANIFEST = "sightline.json"
TOKENIZER = "tokenizer.json"
CALIBRATION = "calibration.json"
LOOKS = 20
BUNDLED = Path(__file__).parents[1] / "bundled"


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """One model as files: what it is, and its tensors, none of them read yet."""

    folder: Path
    manifest: Manifest
    weights: Weights
    calibration: Mapping[str, Any] | None  # calibration.json as it stands; scoring understands it

    @property
    def spec(self) -> Spec:
        """What the model is."""
        return self.manifest.spec

    @property
    def record(self) -> Record:
        """Where the model comes from and what may be done with it."""
        return self.manifest.record

    @property
    def origin(self) -> str:
        """Who made the model and how."""
        return self.record.origin

    @property
    def license(self) -> str:
        """The terms of the weights."""
        return self.record.license

    @property
    def training_data(self) -> tuple[str, ...]:
        """What the model has seen, a line for each source."""
        return self.record.training_data

    @property
    def fingerprint(self) -> str:
        """The name of exactly this model: weights, spec and tokenizer."""
        return self.manifest.fingerprint


def read(path: str | Path | None = None) -> Checkpoint:
    """Open a model folder, without reading its weights.

    Args:
        path: The folder; None is the model that comes with the package.

    Raises:
        CheckpointError: Anything missing, left over, cut short, changed or unknown.
    """
    if path is None and not (BUNDLED / MANIFEST).is_file():
        raise CheckpointError("no model is bundled with this Sightline: give a model folder")
    folder = BUNDLED if path is None else Path(path)
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


def verify_digests(checkpoint: Checkpoint) -> None:
    """Read every tensor and compare it with its digest in `sightline.json`.

    Raises:
        CheckpointError: A tensor changed since it was written; names three of them.
    """
    records = checkpoint.manifest.tensors
    changed = [name for name in records if checkpoint.weights.digest(name) != records[name].sha256]
    if changed:
        raise CheckpointError(
            f"{checkpoint.weights.path} has {_some(changed)} changed since {MANIFEST} was "
            "written: restore the file from where the model came from"
        )


def _locate(folder: Path) -> Path:
    """Return the folder, or what a writer that was killed while replacing it left in its place."""
    previous = previous_of(folder)
    for _ in range(LOOKS):  # between two looks a writer may rename either into the other's place
        if folder.is_dir():
            return folder
        if folder.is_file():
            raise CheckpointError(
                f"{folder} is a file, not a model folder: give the folder it lies in"
            )
        if previous.is_dir():
            return previous
    raise CheckpointError(f"model folder {folder} does not exist: check the path")


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells this very folder from one renamed into its place."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _open(folder: Path) -> Checkpoint:
    """Open a folder that nobody replaces."""
    path = folder / MANIFEST
    if not path.exists():
        raise CheckpointError(
            f"{folder} has no {MANIFEST}, so it is no model folder of ours: check the path"
        )
    manifest = from_json(_contents(path), path)
    weights = Weights(folder / WEIGHTS)
    _compare(manifest, weights)
    _check_tokenizer(manifest, folder / TOKENIZER)
    return Checkpoint(
        folder=folder,
        manifest=manifest,
        weights=weights,
        calibration=_calibration(folder / CALIBRATION),
    )


def _contents(path: Path) -> bytes:
    """Read a small file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): check that it is there and readable"
        ) from error


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
    said = [f"{verb} {_some(names)}" for verb, names in faults if names]
    if said:
        raise CheckpointError(
            f"{weights.path} {' and '.join(said)} against {MANIFEST}: "
            "restore both from where the model came from"
        )


def _check_tokenizer(manifest: Manifest, path: Path) -> None:
    """Refuse a tokenizer file that the model was not trained with."""
    if manifest.tokenizer is None:
        return
    if sha256(_contents(path)).hexdigest() != manifest.tokenizer:
        raise CheckpointError(
            f"{path} is not the tokenizer this model was written with (its digest differs from "
            f"the one in {MANIFEST}): restore it from where the model came from"
        )


def _calibration(path: Path) -> Mapping[str, Any] | None:
    """Read calibration.json where there is one."""
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(_contents(path), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not a JSON object ({error}): fit the calibration again or remove the file"
        ) from error


def _some(names: list[str]) -> str:
    """Say how many tensors, and name three at most."""
    named = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names)} tensor{'s' * (len(names) != 1)} ({named})"
