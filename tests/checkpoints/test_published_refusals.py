"""What published folders say that no spec can: refused in one sentence each."""

import json
import os
from pathlib import Path

import pytest

from published_models import (
    write_hugging_face_clip,
    write_hugging_face_siglip,
    write_json,
    write_siglip_tokenizer,
)
from sightline.checkpoints import read
from sightline.errors import CheckpointError


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(path)
    return str(caught.value)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_hugging_face_clip(tmp_path / "clip")
    return tmp_path / "clip"


@pytest.mark.parametrize(
    ("model_type", "reason"),
    [
        ("siglip2", "SigLIP 2 of variable resolution (NaFlex) needs another pixel recipe"),
        ("clip_vision_model", "it has no text tower: give the whole model"),
        ("llama", "only clip, siglip are read here"),
        (None, "only clip, siglip are read here"),
    ],
)
def test_other_families_are_refused_by_name(
    model_type: str | None, reason: str, clip: Path
) -> None:
    write_json(clip / "config.json", {"model_type": model_type})
    assert refusal(clip).startswith(
        f"{clip / 'config.json'} has the model_type {model_type!r}: {reason}"
    )


@pytest.mark.parametrize("name", ["preprocessor_config.json", "tokenizer.json"])
def test_what_is_not_there_is_asked_for(name: str, clip: Path) -> None:
    (clip / name).unlink()
    assert name in refusal(clip)


def test_weights_that_are_not_there_are_asked_for(clip: Path) -> None:
    (clip / "model.safetensors").unlink()
    assert refusal(clip) == (
        f"{clip} has no sightline.json, nor record and weights of another library, so it is no "
        "model folder: check the path"
    )


@pytest.mark.parametrize(
    ("file", "keys", "value", "said"),
    [
        ("config.json", ("text_config", "hidden_act"), "relu", "activation 'relu' is none of"),
        ("config.json", ("text_config", "eos_token_id"), 7, "text_config.eos_token_id is 7 and"),
        ("config.json", ("text_config", "eos_token_id"), [49407, 7], "eos_token_id is [7, 49407]"),
        ("config.json", ("vision_config", "patch_size"), [8, 4], "patch_size is [4, 8], and one"),
        ("config.json", ("vision_config", "patch_size"), [], "patch_size is [], and one number"),
        ("config.json", ("vision_config", "num_channels"), 4, "says what is not read here"),
        (
            "config.json",
            ("vision_config", "image_size"),
            40,
            "pixels are 32 px but the image tower",
        ),
        ("config.json", ("projection_dim",), 25, "of shape [24, 64] where the model that its"),
        (
            "config.json",
            ("vision_config", "num_hidden_layers"),
            3,
            "lacks 16 tensors (vision_model.encoder.layers.2.",
        ),
        (
            "preprocessor_config.json",
            ("resample",),
            "bicubic",
            "at `$.resample`): correct it, or use another checkpoint",
        ),
        ("preprocessor_config.json", ("resample",), 9, "asks for the filter 9"),
        ("preprocessor_config.json", ("rescale_factor",), 1.0, "and the factor 1.0"),
        ("preprocessor_config.json", ("crop_size",), 24, "resizes to 32 px and crops to 24"),
        ("preprocessor_config.json", ("do_center_crop",), False, "crops to None"),
        ("preprocessor_config.json", ("size",), {"longest_edge": 32}, "asks for the size"),
        ("preprocessor_config.json", ("do_normalize",), False, "says what is not read here"),
        ("preprocessor_config.json", ("image_mean",), [0.5], "says what is not read here"),
        ("tokenizer_config.json", ("padding_side",), "left", "pads on the left"),
        ("tokenizer_config.json", ("pad_token",), "no such", "a pad_token of id None"),
    ],
)
def test_what_a_spec_cannot_say_is_refused(
    file: str, keys: tuple[str, ...], value: object, said: str, clip: Path
) -> None:
    document = json.loads((clip / file).read_text())
    part = document
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    write_json(clip / file, document)
    assert said in refusal(clip)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("text_config", "eos_token_id", [49407]),
        ("vision_config", "patch_size", [8, 8]),
        ("vision_config", "image_size", [32, 32]),
    ],
)
def test_a_list_of_equal_numbers_is_the_number(
    part: str, key: str, value: list[int], clip: Path
) -> None:
    before = read(clip).spec
    document = json.loads((clip / "config.json").read_text())
    document[part][key] = value
    write_json(clip / "config.json", document)
    assert read(clip).spec == before


def test_an_index_of_no_shards_is_refused(clip: Path) -> None:
    (clip / "model.safetensors").unlink()
    path = clip / "model.safetensors.index.json"
    write_json(path, {"weight_map": {}})
    assert refusal(clip) == f"{path} names no file of weights: copy it again"


def test_a_card_larger_than_any_is_refused_unread(clip: Path) -> None:
    (clip / "README.md").touch()
    os.truncate(clip / "README.md", 20 * 2**30)
    assert refusal(clip).startswith(f"{clip / 'README.md'} has 21474836480 bytes, more than")


@pytest.mark.parametrize("contents", [b"", b"[]", b"{", b"\xff", b'{"model_type": ' + b"[" * 5000])
@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "tokenizer.json"])
def test_a_broken_file_is_one_sentence(name: str, contents: bytes, clip: Path) -> None:
    (clip / name).write_bytes(contents)
    assert refusal(clip).startswith(f"{clip / name} ")


def test_a_tokenizer_of_an_unknown_class_is_asked_for(tmp_path: Path) -> None:
    write_hugging_face_siglip(tmp_path)
    write_siglip_tokenizer(tmp_path, kind="BertTokenizer")
    assert "has the tokenizer_class 'BertTokenizer'" in refusal(tmp_path)
