"""`sightline.json`: strict, versioned, and the fingerprint over it."""

import json
from pathlib import Path

import msgspec
import pytest

from sightline.checkpoints.manifest import (
    Manifest,
    Record,
    TensorRecord,
    fingerprint,
    from_json,
    to_json,
)
from sightline.errors import CheckpointError
from sightline.spec.towers import Spec
from tiny_folder import RECORD, SPEC, changed

TENSOR = TensorRecord(dtype="F32", shape=(2, 3), sha256="ab" * 32)
WHOLE = Manifest(spec=SPEC, record=RECORD, tensors={"a": TENSOR}, tokenizer=None)
PATH = Path("model") / "sightline.json"


def test_what_is_written_reads_the_same() -> None:
    assert from_json(to_json(WHOLE), PATH) == WHOLE


def name_of(manifest: Manifest) -> str:
    return fingerprint(manifest.spec, manifest.tensors, manifest.tokenizer)


def test_the_fingerprint_survives_the_file() -> None:
    assert name_of(from_json(to_json(WHOLE), PATH)) == name_of(WHOLE)


@pytest.mark.parametrize(
    "other",
    [
        msgspec.structs.replace(WHOLE, tokenizer="cd" * 32),
        msgspec.structs.replace(WHOLE, spec=changed(SPEC, image={"norm_eps": 1e-6})),
        msgspec.structs.replace(WHOLE, spec=changed(SPEC, words={"template": "{}"})),
        msgspec.structs.replace(WHOLE, spec=changed(SPEC, pixels={"crop_rounding": "floor"})),
        msgspec.structs.replace(WHOLE, tensors={"b": TENSOR}),
        msgspec.structs.replace(
            WHOLE, tensors={"a": msgspec.structs.replace(TENSOR, sha256="cd" * 32)}
        ),
        msgspec.structs.replace(WHOLE, tensors={"a": msgspec.structs.replace(TENSOR, dtype="F16")}),
    ],
    ids=["tokenizer", "eps", "template", "crop", "name", "digest", "precision"],
)
def test_whatever_changes_a_vector_changes_the_fingerprint(other: Manifest) -> None:
    assert name_of(other) != name_of(WHOLE)


def test_the_record_does_not_change_the_fingerprint() -> None:
    other = Record(origin="elsewhere", license="MIT", training_data=())
    assert name_of(msgspec.structs.replace(WHOLE, record=other)) == name_of(WHOLE)


def refusal(**changes: object) -> str:
    """Return what is said of a file with top-level keys changed."""
    document = json.loads(to_json(WHOLE)) | changes
    with pytest.raises(CheckpointError) as caught:
        from_json(json.dumps(document).encode(), PATH)
    return str(caught.value)


def test_an_unknown_key_is_named_with_the_nearest_one() -> None:
    assert refusal(licence="MIT") == (
        f"{PATH} has an unknown key 'licence' (the nearest known one is 'license'): "
        "rename or remove it"
    )


def test_another_version_is_refused_before_its_keys_are_judged() -> None:
    assert refusal(version=2, graphs={}) == (
        f"{PATH} is of version 2 but this Sightline reads version 1: "
        "use the Sightline that wrote it"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"tensors": {"a": {"dtype": "F32", "shape": [2], "sha256": "x", "file": "../b"}}},
        {"tensors": {"a": {"dtype": "F32", "shape": "2"}}},
        {"spec": {}},
        {"spec": None},
        {"training_data": "words"},
    ],
)
def test_a_wrong_value_is_refused(changes: dict[str, object]) -> None:
    assert refusal(**changes).startswith(f"{PATH} is not a model's record (")


@pytest.mark.parametrize("contents", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(contents: bytes) -> None:
    with pytest.raises(CheckpointError, match="is not a model's record"):
        from_json(contents, PATH)


def test_a_missing_key_is_refused() -> None:
    document = json.loads(to_json(WHOLE))
    del document["origin"]
    with pytest.raises(CheckpointError, match="origin"):
        from_json(json.dumps(document).encode(), PATH)


def test_a_record_without_a_license_is_refused() -> None:
    with pytest.raises(CheckpointError) as caught:
        Record(origin="here", license=" ", training_data=())
    assert str(caught.value) == "a model's record has no license: say it, or say 'unknown'"


def test_a_whole_number_for_a_float_reads_as_the_same_spec() -> None:
    document = json.loads(to_json(WHOLE))
    assert isinstance(WHOLE.spec, Spec)
    document["spec"]["head"]["max_scale"] = 100
    assert name_of(from_json(json.dumps(document).encode(), PATH)) == name_of(WHOLE)
