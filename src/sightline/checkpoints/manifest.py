"""`sightline.json`: what a model folder says of itself, strictly. Enter at `Manifest`."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from sightline.checkpoints.json_file import json_bytes
from sightline.errors import CheckpointError, SpecError
from sightline.spec.document import spec_from_json, spec_to_json
from sightline.spec.towers import Spec

VERSION = 1


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a model comes from and what may be done with it."""

    origin: str  # who made it and how: a recipe, a repository and revision
    license: str  # SPDX where there is one; terms of the training data that bind the weights
    training_data: tuple[str, ...]  # a line for each source, with its terms
    created_with: dict[str, str] = {}  # package → version

    def __post_init__(self) -> None:
        for name in ("origin", "license"):
            if not getattr(self, name).strip():
                raise CheckpointError(f"a model's record has no {name}: say it, or say 'unknown'")


class TensorRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tensor as it was written."""

    dtype: str  # safetensors' name
    shape: tuple[int, ...]
    sha256: str  # of its bytes


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of `sightline.json`, read."""

    spec: Spec
    record: Record
    tensors: dict[str, TensorRecord]
    tokenizer: str | None  # sha256 of tokenizer.json; None where the tokenizer is CLIP's own


def fingerprint(spec: Spec, tensors: Mapping[str, TensorRecord], tokenizer: str | None) -> str:
    """Return the name of exactly this model: weights, spec (pixels and words too) and tokenizer."""
    canonical = json.dumps(
        {
            "spec": spec_to_json(spec),
            "tensors": msgspec.to_builtins(tensors),
            "tokenizer": tokenizer,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    return sha256(canonical.encode()).hexdigest()


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    """The file's top level, before its spec is understood."""

    version: int
    origin: str
    license: str
    training_data: tuple[str, ...]
    created_with: dict[str, str]
    spec: dict[str, Any]
    tokenizer: str | None
    tensors: dict[str, TensorRecord]


def to_json(manifest: Manifest) -> bytes:
    """Return the file's bytes: indented, so that people can read and compare it."""
    document = _Document(
        version=VERSION,
        origin=manifest.record.origin,
        license=manifest.record.license,
        training_data=manifest.record.training_data,
        created_with=manifest.record.created_with,
        spec=spec_to_json(manifest.spec),
        tokenizer=manifest.tokenizer,
        tensors=dict(sorted(manifest.tensors.items())),
    )
    return json_bytes(document)


def from_json(encoded: bytes, path: Path) -> Manifest:
    """Read the file's bytes; `path` is for the messages.

    Raises:
        CheckpointError: Not JSON, another version, an unknown or missing key, a wrong value.
    """
    try:
        keys = msgspec.json.decode(encoded, type=dict[str, msgspec.Raw])
        _check_version(keys, path)
        _check_keys(keys, path)
        document = msgspec.json.decode(encoded, type=_Document)
        spec = spec_from_json(document.spec)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, SpecError) as error:
        raise CheckpointError(
            f"{path} is not a model's record ({error}): restore it from where the model came from"
        ) from error
    record = Record(
        origin=document.origin,
        license=document.license,
        training_data=document.training_data,
        created_with=document.created_with,
    )
    return Manifest(
        spec=spec, record=record, tensors=document.tensors, tokenizer=document.tokenizer
    )


def _check_version(keys: Mapping[str, msgspec.Raw], path: Path) -> None:
    """Refuse a file of another version before anything in it is judged."""
    found = bytes(keys.get("version", b"nothing")).decode()
    if found != str(VERSION):
        raise CheckpointError(
            f"{path} is of version {found} but this Sightline reads version {VERSION}: "
            "use the Sightline that wrote it"
        )


def _check_keys(keys: Mapping[str, msgspec.Raw], path: Path) -> None:
    """Refuse a key that is not ours, naming the nearest one that is."""
    known = _Document.__struct_fields__
    for key in keys:
        if key not in known:
            nearest = get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise CheckpointError(
                f"{path} has an unknown key {key!r} (the nearest known one is {nearest!r}): "
                "rename or remove it"
            )
