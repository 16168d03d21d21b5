import dataclasses
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sightline.checkpoints import Checkpoint, read
from sightline.checkpoints.digests import computed
from sightline.checkpoints.folder import CANARIES
from sightline.checkpoints.json_file import MAX_BYTES
from sightline.runtime import export_graphs
from sightline.spec.document import spec_to_json
from sightline.verify import read_canaries
from sightline.verify.canaries import Said
from sightline.verify.files import (
    broken_weights,
    check_beside,
    check_fingerprint,
    check_graphs,
    check_record,
    check_spec,
    check_tensors,
    check_tokenizer,
)
from tiny_canaries import flip_a_bit


@pytest.fixture
def model(own: Path) -> Checkpoint:
    return read(own)


@pytest.fixture
def said(model: Checkpoint) -> Said:
    return read_canaries(model.folder / CANARIES).said


def changed(checkpoint: Checkpoint, part: str, **changes: Any) -> Checkpoint:
    made = replace(getattr(checkpoint.spec, part), **changes)
    return dataclasses.replace(checkpoint, spec=replace(checkpoint.spec, **{part: made}))


def test_control_an_unchanged_model_agrees_in_everything(model: Checkpoint, said: Said) -> None:
    now = computed(model.weights)
    notes = [
        check_tensors(model, now, said),
        check_tokenizer(model, said),
        *check_spec(spec_to_json(model.spec), said),
        *check_record(model.record, said),
        check_fingerprint(model, now, said),
        *check_graphs(model),
        check_beside(model.folder, said),
    ]
    assert [note.verdict for note in notes] == ["agrees"] * 7
    assert [note.sentence for note in notes] == [
        f"{len(now)} tensors have the digests that they had",
        "it is CLIP's own",
        "every field is what it was",
        "origin, licence and training data are what they were",
        f"{model.fingerprint[:12]}…, as it was",
        "there are none; they are made from the spec",
        "small files that are what they were: 5",
    ]


def test_a_flipped_bit_names_its_tensor(model: Checkpoint, said: Said) -> None:
    name = "text.blocks.0.mlp.up.weight"
    flip_a_bit(model, name)
    again = read(model.folder)
    now = computed(again.weights)
    for record in (said, None):  # our own record has digests too
        note = check_tensors(again, now, record)
        assert note.fields == (name,)
        assert note.sentence == (
            f"{name} is F32 [256, 64] of sha256 {now[name].sha256[:12]}…, and was F32 [256, 64] of "
            f"sha256 {said.tensors[name].sha256[:12]}… when it was written"
        )


def test_several_tensors_are_counted_and_all_named(model: Checkpoint, said: Said) -> None:
    names = [f"text.blocks.{block}.mlp.up.bias" for block in (0, 1)]
    for name in names:
        flip_a_bit(model, name)
    note = check_tensors(model, computed(read(model.folder).weights), said)
    assert note.fields == tuple(names)
    assert note.sentence == f"2 tensors ({', '.join(names)}) are not what was written"


def test_a_tensor_that_is_gone_is_named(model: Checkpoint, said: Said) -> None:
    now = dict(computed(model.weights))
    del now["logit_scale"]
    note = check_tensors(model, now, said)
    assert note.fields == ("logit_scale",)
    assert note.sentence.startswith("logit_scale is not there, and was F32 [] of sha256 ")


def test_without_any_record_nothing_is_said_to_agree(model: Checkpoint) -> None:
    bare = dataclasses.replace(model, listed=None, layout="openclip")
    now = computed(model.weights)
    assert check_tensors(bare, now, None).sentence == (
        f"nothing has a digest of its {len(now)} tensors"
    )
    note = check_tokenizer(bare, None)
    assert (note.verdict, note.sentence) == ("unknown", "nothing has a digest of its tokenizer")


def test_another_tokenizer_is_named(model: Checkpoint, said: Said, tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_bytes(b"{}")
    other = dataclasses.replace(model, tokenizer_file=file)
    note = check_tokenizer(other, said)
    assert note.fields == ("tokenizer.json",)
    assert note.sentence == (
        "the vocabulary is a tokenizer.json of sha256 44136fa355b3…, and was CLIP's own when the "
        "canaries were written"
    )
    assert check_tokenizer(other, replace(said, tokenizer=other.tokenizer)).verdict == "agrees"


def test_every_field_that_differs_is_named(model: Checkpoint, said: Said) -> None:
    other = changed(changed(model, "image", norm_eps=1e-6), "words", pad_id=3)
    found = list(check_spec(spec_to_json(other.spec), said))
    assert [note.fields for note in found] == [("image.norm_eps",), ("words.pad_id",)]
    assert found[1].sentence == "words.pad_id is 3, and was 0 when it was written"


def test_what_a_model_comes_from_is_compared_where_our_record_said_it(
    model: Checkpoint, said: Said
) -> None:
    other = replace(model.record, license="MIT", training_data=("much",))
    found = list(check_record(other, said))
    assert [note.fields for note in found] == [("license",), ("training_data",)]
    assert found[0].sentence == "license is 'MIT', and was 'CC0-1.0' when it was written"
    assert list(check_record(other, replace(said, record=None))) == []


def test_each_small_file_that_differs_is_named(model: Checkpoint, said: Said) -> None:
    folder = model.folder
    (folder / "config.json").write_bytes(b"{}")
    (folder / "tokenizer_config.json").unlink()
    (folder / "vocab.txt").write_bytes(b"a")
    (folder / "README.md").unlink()
    note = check_beside(folder, said)
    assert note.fields == ("config.json", "tokenizer_config.json", "vocab.txt")
    assert note.sentence == (
        "config.json is not what was written; tokenizer_config.json is gone; vocab.txt was not "
        "there when it was written; README.md has been edited, as people may"
    )


def test_a_file_is_not_named_beside_the_field_that_it_says(model: Checkpoint, said: Said) -> None:
    path = model.folder / "sightline.json"
    path.write_bytes(path.read_bytes() + b" ")
    assert check_beside(model.folder, said, ["text.heads"]).fields == ()
    assert check_beside(model.folder, said, ["fingerprint"]).fields == ("sightline.json",)
    theirs = replace(said, layout="huggingface")  # control: of that layout it says nothing
    assert check_beside(model.folder, theirs, ["text.heads"]).fields == ("sightline.json",)
    path.unlink()
    assert check_beside(model.folder, said, ["text.heads"]).fields == ("sightline.json",)


def test_a_small_file_that_cannot_be_read_is_a_finding(model: Checkpoint, said: Said) -> None:
    with (model.folder / "vocab.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    note = check_beside(model.folder, said)
    assert note.fields == ("files",)
    assert note.sentence.endswith(f"{MAX_BYTES + 1} bytes, more than {MAX_BYTES}: refused")


def test_weights_that_are_broken_are_named_by_their_length(model: Checkpoint, said: Said) -> None:
    [name] = said.weights
    shards = replace(said, weights={**said.weights, "other.safetensors": 5})
    assert broken_weights(model.folder, said) == (name,)  # nothing tells, and it is the only one
    assert broken_weights(model.folder, shards) == ("other.safetensors",)
    (model.folder / "other.safetensors").write_bytes(b"12345")
    assert broken_weights(model.folder, shards) == (name, "other.safetensors")


SWAPS: list[tuple[str, str, Any]] = [
    ("pixels", "crop_rounding", "floor"),
    ("pixels", "mean", (0.5, 0.5, 0.5)),
    ("image", "norm_eps", 1e-6),
    ("image", "activation", "gelu"),
    ("text", "pool", "end_token"),
    ("words", "pad_id", 49407),
    ("words", "clean", "nfc_lower"),
    ("words", "template", "{} at night"),
    ("head", "logit_scale", 1.5),
    ("head", "max_scale", 50.0),
    ("image", "position_resized", "plain"),
]


@pytest.mark.parametrize(("part", "field", "value"), SWAPS)
def test_a_fingerprint_names_what_no_vector_would_show(
    model: Checkpoint, said: Said, part: str, field: str, value: object
) -> None:
    """Also where the spec in the canaries was edited to agree."""
    then = getattr(getattr(model.spec, part), field)
    note = check_fingerprint(changed(model, part, **{field: value}), computed(model.weights), said)
    assert note.fields == (f"{part}.{field}",)
    shown = list(then) if isinstance(then, tuple) else then
    assert f"; it agrees with {part}.{field} {shown!r} instead of " in note.sentence


def test_a_fingerprint_that_nothing_explains_is_said_to_be_another(
    model: Checkpoint, said: Said
) -> None:
    other = replace(said, fingerprint="ab" * 32)
    note = check_fingerprint(model, computed(model.weights), other)
    assert note.fields == ("fingerprint",)
    assert note.sentence == (
        f"it is {model.fingerprint[:12]}…, and was abababababab…: the spec was another"
    )


def test_graphs_beside_the_weights_are_compared_byte_by_byte(model: Checkpoint) -> None:
    export_graphs(model.folder)
    [note] = check_graphs(model)
    assert note.sentence == "3 files are what spec and weights give"
    path = model.folder / "text.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    [note] = check_graphs(model)
    assert note.fields == ("text.onnx",)
    assert note.sentence == "text.onnx is damaged: make the graphs again"


def test_graphs_of_another_spec_are_named(model: Checkpoint) -> None:
    export_graphs(model.folder)
    other = changed(model, "text", activation="gelu")
    other = dataclasses.replace(other, listed=None)
    [note] = check_graphs(dataclasses.replace(other, listed=model.tensors))
    assert note.sentence == (
        "image.onnx was made for another spec or other weights: make the graphs again"
    )


def test_weights_of_another_spec_cannot_be_built(model: Checkpoint) -> None:
    [note] = check_graphs(changed(model, "text", layers=1))
    assert note.fields == ("text",)
    assert note.sentence.startswith("the text tower cannot be built: ")
