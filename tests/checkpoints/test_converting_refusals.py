"""What is not converted, and what is never lost: others' files, a full disk, a wrong copy."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from published_models import (
    OPENCLIP_CONFIG,
    write_hugging_face_clip,
    write_json,
    write_openclip,
)
from sightline.checkpoints import Checkpoint, convert, read
from sightline.checkpoints.names import spelt
from sightline.checkpoints.safetensors_writing import Stored
from sightline.errors import CheckpointError
from tiny_canaries import any_layout_spec
from tiny_folder import changed, write_some
from tiny_models import random_model
from tiny_towers import SPECS, saved

LAYOUTS = ["sightline", "huggingface", "openclip", "openai"]


@pytest.mark.parametrize(
    ("name", "layout", "said"),
    [
        ("hybrid", "huggingface", "transformers has no class for this architecture"),
        ("hybrid", "openclip", "has no name for image.stem.bn.bias: choose another layout"),
        ("CLIP", "openai", "OpenAI's layout has heads of 64 numbers"),
        ("text: mean", "openclip", "its config has no room for the text pool 'mean'"),
        ("image: mean, norm before", "huggingface", "transformers has no class"),
    ],
)
def test_what_a_layout_cannot_say_is_refused_and_nothing_is_left(
    name: str, layout: str, said: str, tmp_path: Path
) -> None:
    checkpoint = saved(tmp_path / "from", random_model(SPECS[name]))
    with pytest.raises(CheckpointError) as caught:
        convert(checkpoint, tmp_path / "to", layout)
    assert said in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) in (
        ["from"],
        ["from", "sightline-home"],
    )


def test_an_unknown_layout_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        convert(write_some(tmp_path / "m"), tmp_path / "to", "tensorflow")
    assert str(caught.value) == (
        "layout 'tensorflow' is none of sightline, huggingface, openclip, openai"
    )


def refusal(checkpoint: Checkpoint, folder: Path, *, replace: bool = False) -> str:
    with pytest.raises(CheckpointError) as caught:
        convert(checkpoint, folder, "openclip", replace=replace)
    return str(caught.value)


@pytest.mark.parametrize("name", ["notes.txt", "README.md", "config.json"])
def test_a_place_with_something_in_it_is_left_alone(name: str, tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / name).write_text("mine")
    checkpoint = read(tmp_path / "from")
    assert refusal(checkpoint, tmp_path / "to") == (
        f"{tmp_path / 'to'} is not empty: choose another place, or allow a model folder to be "
        "replaced (--replace)"
    )
    assert f"holds {name} and no sightline.json" in refusal(
        checkpoint, tmp_path / "to", replace=True
    )
    assert (tmp_path / "to" / name).read_text() == "mine"


def test_a_model_may_be_replaced_but_nothing_beside_it(tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from")
    checkpoint = read(tmp_path / "from")
    convert(checkpoint, tmp_path / "to", "openclip")
    convert(checkpoint, tmp_path / "to", "openclip", replace=True)
    convert(checkpoint, tmp_path / "ours", "sightline")
    (tmp_path / "ours" / "photo.jpg").write_bytes(b"mine")
    assert refusal(checkpoint, tmp_path / "ours", replace=True) == (
        f"{tmp_path / 'ours'} holds photo.jpg, which is no part of a model and would be lost: move "
        "it, or choose another place"
    )


def test_a_model_is_never_written_over_itself(tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from")
    assert refusal(read(tmp_path / "from"), tmp_path / "from", replace=True) == (
        f"{tmp_path / 'from'} is the model that is converted: choose another place"
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_seal_is_set_before_the_model_is_in_place(layout: str, tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from")
    seen: list[bool] = []

    def seal(written: Path) -> None:
        seen.append((tmp_path / "to").exists())
        (written / "canaries.safetensors").write_bytes(b"sealed")

    convert(read(tmp_path / "from"), tmp_path / "to", layout, seal=seal)
    assert seen == [False]
    assert (tmp_path / "to" / "canaries.safetensors").read_bytes() == b"sealed"


FULL = """
import resource, signal, sys
from sightline.checkpoints import convert, read
from sightline.errors import CheckpointError
checkpoint = read(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
try:
    convert(checkpoint, sys.argv[2], sys.argv[3])
except CheckpointError as error:
    print(error)
"""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(layout: str, tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from")
    (tmp_path / "empty").mkdir()
    command = [sys.executable, "-c", FULL, str(tmp_path / "from"), str(tmp_path / "empty" / "to")]
    ran = subprocess.run([*command, layout], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == (
        f"model folder {tmp_path / 'empty' / 'to'} cannot be written (File too large): free some "
        "space or choose another place; what was there before is untouched\n"
    )
    assert list((tmp_path / "empty").iterdir()) == []


def test_control_a_writer_that_changed_a_bit_would_be_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hugging_face_clip(tmp_path / "from")

    def wrong(*arguments: Any) -> dict[str, Stored]:
        made = spelt(*arguments)
        words = np.array(made["ln_final.bias"].words)
        words[0] += 1
        return made | {"ln_final.bias": Stored("F32", words)}

    monkeypatch.setattr("sightline.checkpoints.layouts.spelt", wrong)
    with pytest.raises(CheckpointError, match="openclip layout changed 1 tensors: nothing is kept"):
        convert(read(tmp_path / "from"), tmp_path / "to", "openclip")
    assert not (tmp_path / "to").exists()


def test_a_spec_that_no_longer_fits_is_refused_on_the_way(tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from")
    config = json.loads((tmp_path / "from" / "config.json").read_text())
    config["text_config"]["hidden_act"] = "gelu"
    write_json(tmp_path / "from" / "config.json", config)
    with pytest.raises(CheckpointError) as caught:
        convert(read(tmp_path / "from"), tmp_path / "to", "openai")
    assert str(caught.value) == (
        "openai layout cannot be this model, it would be read with text.activation: 'quick_gelu', "
        "not 'gelu': convert to 'sightline' or 'openclip'"
    )


@pytest.mark.parametrize("layout", ["huggingface", "openai"])
def test_a_cleaning_that_a_layout_cannot_say_is_named(
    layout: str, tmp_path: Path, open_clip: ModuleType
) -> None:
    """OpenCLIP's "canonicalize" drops punctuation: read as OpenAI's, vectors differ by tenths."""
    text = OPENCLIP_CONFIG["text_cfg"] | {"tokenizer_kwargs": {"clean": "canonicalize"}}
    write_openclip(tmp_path / "from", open_clip, OPENCLIP_CONFIG | {"text_cfg": text})
    checkpoint = read(tmp_path / "from")
    with pytest.raises(CheckpointError) as caught:
        convert(checkpoint, tmp_path / "to", layout)
    assert str(caught.value) == (
        f"{layout} layout cannot be this model, it would be read with words.clean: 'openai', "
        "not 'canonical_space': convert to 'sightline' or 'openclip'"
    )
    for other in ("sightline", "openclip"):
        convert(checkpoint, tmp_path / other, other)
        assert read(tmp_path / other).spec.words == checkpoint.spec.words


@pytest.mark.parametrize(("part", "heads"), [("image", 2), ("text", 4)])
def test_openai_s_layout_says_which_heads_it_has(part: str, heads: int, tmp_path: Path) -> None:
    spec = changed(any_layout_spec(), **{part: {"heads": heads}})
    with pytest.raises(CheckpointError) as caught:
        convert(saved(tmp_path / "from", random_model(spec)), tmp_path / "to", "openai")
    assert str(caught.value) == (
        f"OpenAI's layout has heads of 64 numbers, and this model's {part} tower has {heads} for "
        "a width of 64: convert to 'sightline' or 'openclip'"
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_refuses_a_model_names_its_place_and_not_the_draft(
    layout: str, tmp_path: Path
) -> None:
    write_hugging_face_clip(tmp_path / "from")

    def seal(written: Path) -> None:
        raise CheckpointError(f"{written / 'model.safetensors'} is broken")

    with pytest.raises(CheckpointError) as caught:
        convert(read(tmp_path / "from"), tmp_path / "to", layout, seal=seal)
    assert str(caught.value) == f"{tmp_path / 'to' / 'model.safetensors'} is broken"
