"""From any layout to any other that can be the same model: bit for bit, or refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from published_models import (
    OPENCLIP_CONFIG,
    write_hugging_face_clip,
    write_hugging_face_siglip,
    write_json,
    write_openai,
    write_openclip,
)
from sightline.checkpoints import Checkpoint, convert, read
from sightline.checkpoints.names import spelt
from sightline.checkpoints.safetensors_writing import Stored
from sightline.errors import CheckpointError
from tiny_folder import write_some
from tiny_models import random_model, write_tiny_model
from tiny_towers import SPECS, saved

LAYOUTS = ["sightline", "huggingface", "openclip", "openai"]


def opened(folder: Path) -> Checkpoint:
    bare = folder / "model.pt"
    return read(bare) if bare.exists() else read(folder)


def source(layout: str, folder: Path, open_clip: ModuleType) -> Checkpoint:
    """Return one tiny CLIP in a layout, written by its own library."""
    writers: dict[str, Callable[[], Any]] = {
        "huggingface": lambda: write_hugging_face_clip(folder),
        "openclip": lambda: write_openclip(folder, open_clip),
        "openai": lambda: write_openai(folder / "model.pt", open_clip),
    }
    if layout == "sightline":
        write_hugging_face_clip(folder / "from")
        convert(read(folder / "from"), folder / "ours", "sightline")
        return read(folder / "ours")
    folder.mkdir(exist_ok=True)
    writers[layout]()
    return opened(folder)


@pytest.mark.parametrize("there", LAYOUTS)
@pytest.mark.parametrize("here", LAYOUTS)
def test_every_pair_goes_there_and_back_bit_for_bit(
    here: str, there: str, tmp_path: Path, open_clip: ModuleType
) -> None:
    first = source(here, tmp_path / "first", open_clip)
    convert(first, tmp_path / "second", there)
    second = opened(tmp_path / "second")
    assert second.layout == there
    assert second.tensors == first.tensors
    convert(second, tmp_path / "third", here)
    third = opened(tmp_path / "third")
    assert third.tensors == first.tensors
    assert third.spec.image == first.spec.image


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_stays_half_through_every_layout(dtype: torch.dtype, tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from", dtype=dtype)
    first = found = read(tmp_path / "from")
    for layout in LAYOUTS:
        convert(found, tmp_path / layout, layout)
        found = opened(tmp_path / layout)
        assert found.tensors == first.tensors
    wanted = {"torch.float16": "F16", "torch.bfloat16": "BF16"}[str(dtype)]
    assert {tensor.dtype for tensor in found.tensors.values()} == {wanted}


@pytest.mark.parametrize("layout", ["sightline", "huggingface"])
def test_transformers_opens_a_clip_and_says_the_same(layout: str, tmp_path: Path) -> None:
    from transformers import CLIPModel, CLIPTokenizer

    model = write_hugging_face_clip(tmp_path / "from")
    convert(read(tmp_path / "from"), tmp_path / "to", layout)
    again: Any = CLIPModel.from_pretrained(tmp_path / "to")
    ids = CLIPTokenizer.from_pretrained(tmp_path / "to")(
        ["a cat", "two dogs"], padding="max_length", max_length=16, return_tensors="pt"
    ).input_ids
    given = {"input_ids": ids, "pixel_values": torch.randn(2, 3, 32, 32)}
    with torch.no_grad():
        assert torch.equal(again(**given).logits_per_image, model(**given).logits_per_image)


def test_transformers_opens_a_siglip_and_says_the_same(tmp_path: Path) -> None:
    from transformers import SiglipModel

    model = write_hugging_face_siglip(tmp_path / "from")
    convert(read(tmp_path / "from"), tmp_path / "to", "sightline")
    again: Any = SiglipModel.from_pretrained(tmp_path / "to")
    ids = torch.randint(2, 10, (3, 12))
    given = {"input_ids": ids, "pixel_values": torch.randn(2, 3, 32, 32)}
    with torch.no_grad():
        assert torch.equal(again(**given).logits_per_image, model(**given).logits_per_image)
    assert read(tmp_path / "to").spec.words == read(tmp_path / "from").spec.words


def test_transformers_opens_a_model_that_was_pretrained_here(tmp_path: Path) -> None:
    from transformers import CLIPModel

    spec = SPECS["CLIP"]
    model = random_model(spec)
    saved(tmp_path, model)
    theirs: Any = CLIPModel.from_pretrained(tmp_path)
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        apart = theirs.get_image_features(pixel_values=pixels).pooler_output
        assert (apart - model.encode_image(pixels)).abs().max() < 1e-5


def test_openai_s_reader_accepts_what_is_written_for_it(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    write_hugging_face_clip(tmp_path / "from")
    convert(read(tmp_path / "from"), tmp_path / "to", "openai")
    state = torch.load(tmp_path / "to" / "model.pt", weights_only=True)
    assert int(state["input_resolution"]) == 32
    assert all(isinstance(tensor, torch.Tensor) for tensor in state.values())


def test_openclip_opens_what_is_written_for_it(tmp_path: Path, open_clip: ModuleType) -> None:
    model = write_hugging_face_clip(tmp_path / "from")
    convert(read(tmp_path / "from"), tmp_path / "to", "openclip")
    again = open_clip.create_model(f"local-dir:{tmp_path / 'to'}")
    ids, pixels = torch.randint(1, 99, (2, 16)), torch.randn(2, 3, 32, 32)
    ids[:, -1] = 49407
    with torch.no_grad():
        theirs = model(input_ids=ids, pixel_values=pixels)
        assert (again.encode_image(pixels, True) - theirs.image_embeds).abs().max() < 1e-6
        assert (again.encode_text(ids, True) - theirs.text_embeds).abs().max() < 1e-6


def test_a_resnet_goes_to_openai_and_back(tmp_path: Path, open_clip: ModuleType) -> None:
    vision = {"image_size": 64, "layers": [1, 2, 1, 1], "width": 64, "patch_size": None}
    write_openclip(tmp_path / "from", open_clip, OPENCLIP_CONFIG | {"vision_cfg": vision})
    first = read(tmp_path / "from")
    convert(first, tmp_path / "to", "openai")
    convert(opened(tmp_path / "to"), tmp_path / "back", "openclip")
    assert read(tmp_path / "back").tensors == first.tensors
    with pytest.raises(CheckpointError, match="transformers has no class for this architecture"):
        convert(first, tmp_path / "never", "huggingface")
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(
    ("name", "layout", "said"),
    [
        ("hybrid", "huggingface", "transformers has no class for this architecture"),
        ("hybrid", "openclip", "has no name for image.stem.bn.bias: choose another layout"),
        ("CLIP", "openai", "openai layout cannot be this model: model.pt cannot be followed"),
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
    assert (
        said in str(caught.value) or "OpenAI's" in str(caught.value) or "heads" in str(caught.value)
    )
    assert sorted(path.name for path in tmp_path.iterdir()) in (
        ["from"],
        ["from", "sightline-home"],
    )


def test_what_a_library_decides_for_itself_is_said(tmp_path: Path, open_clip: ModuleType) -> None:
    write_openclip(tmp_path / "from", open_clip)
    done = convert(read(tmp_path / "from"), tmp_path / "to", "huggingface")
    assert done.remarks == ("huggingface files say pixels.crop_rounding: 'floor', not 'half_even'",)


def test_the_card_comes_along(tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from")
    card = b"---\nlicense: mit\n---\n# A model\n"
    (tmp_path / "from" / "README.md").write_bytes(card)
    for layout in LAYOUTS:
        convert(read(tmp_path / "from"), tmp_path / layout, layout)
        assert (tmp_path / layout / "README.md").read_bytes() == card
        assert opened(tmp_path / layout).license == "mit"


def test_without_a_card_the_licence_still_comes_along(tmp_path: Path) -> None:
    checkpoint = read(write_tiny_model(tmp_path / "from"))
    convert(checkpoint, tmp_path / "to", "huggingface")
    assert read(tmp_path / "to").license == checkpoint.license


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
        folder = written if written.is_dir() else written.parent
        (folder / "canaries.safetensors").write_bytes(b"sealed")

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
        "not 'gelu': choose another layout"
    )
