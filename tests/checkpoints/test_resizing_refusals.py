"""Sizes that cannot be, rules that are not known, positions that were resized before."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from sightline.checkpoints import Checkpoint, read, resize, write
from sightline.errors import CheckpointError, RuntimeUnavailable, SightlineError, SpecError
from tiny_folder import RECORD
from tiny_models import random_model
from tiny_towers import SPECS, saved


def resized(checkpoint: Checkpoint, folder: Path, size_px: int, how: str | None = None) -> Path:
    assert resize(checkpoint, folder, size_px, how) == read(folder).spec
    return folder


def ready(name: str, folder: Path) -> Checkpoint:
    return saved(folder, random_model(SPECS[name]))


@pytest.mark.parametrize(
    ("name", "size_px", "kind", "said"),
    [
        (
            "CLIP",
            32,
            SpecError,
            "the model takes pictures of 32 px already: give another size",
        ),
        (
            "CLIP",
            7,
            SpecError,
            "an image tower of 7 px is not a multiple of its stem's stride 8: change size_px",
        ),
        (
            "hybrid",
            36,
            SpecError,
            "an image tower of 36 px is not a multiple of its stem's stride 8: change size_px",
        ),
        ("ResNet", 80, SpecError, "a ResNet of 80 px is not a multiple of 32: change size_px"),
        ("ResNet", 0, SpecError, "image size_px is 0: give a positive number"),
        (
            "CLIP",
            11_320,
            SpecError,
            "pictures of 11320 × 11320 pixels are more than the 128000000 that are read: give a "
            "smaller size",
        ),
    ],
)
def test_a_size_that_cannot_be_is_refused_in_one_sentence(
    name: str, size_px: int, kind: type[SightlineError], said: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        resize(ready(name, tmp_path / "from"), tmp_path / "to", size_px, "plain")
    assert str(caught.value) == said
    assert not (tmp_path / "to").exists()


def test_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        resize(ready("CLIP", tmp_path / "from"), tmp_path / "to", 64, "nearest")
    assert str(caught.value) == (
        "positions cannot be resized by 'nearest': give antialias or plain"
    )


def test_a_folder_of_ours_has_to_be_told_the_rule(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        resize(ready("CLIP", tmp_path / "from"), tmp_path / "to", 64)
    assert str(caught.value) == (
        f"{tmp_path / 'from'} is in sightline layout, whose positions libraries resize in two "
        "ways: give antialias (as OpenCLIP) or plain (as Hugging Face)"
    )


@pytest.mark.parametrize("name", ["CLIP", "ResNet"])
def test_positions_are_resized_once(name: str, tmp_path: Path) -> None:
    once = read(resized(ready(name, tmp_path / "from"), tmp_path / "once", 96, "plain"))
    with pytest.raises(CheckpointError) as caught:
        resize(once, tmp_path / "twice", 128, "plain")
    assert str(caught.value) == (
        f"the positions of {tmp_path / 'once'} were resized before (plain): resize the model that "
        "they came from"
    )


def test_without_torch_positions_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.checkpoints import resizing

    clip, hybrid = (ready(name, tmp_path / name) for name in ("CLIP", "hybrid"))
    monkeypatch.setattr(resizing, "find_spec", lambda name: None)
    with pytest.raises(RuntimeUnavailable) as caught:
        resize(clip, tmp_path / "to", 64, "plain")
    assert str(caught.value) == (
        "positions are resized with torch, which is an extra: install sightline[torch]"
    )
    resize(hybrid, tmp_path / "to", 64)  # has none


def test_a_place_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    clip = ready("CLIP", tmp_path / "from")
    for place in (ready("hybrid", tmp_path / "other").folder, clip.folder):
        before = read(place).fingerprint
        with pytest.raises(CheckpointError) as caught:
            resize(clip, place, 64, "plain")
        assert str(caught.value) == f"{place} is not empty: choose another place"
        assert read(place).fingerprint == before


def test_what_a_seal_refuses_is_not_written(tmp_path: Path) -> None:
    def refuse(written: Path) -> None:
        assert read(written).spec.image.size_px == 64
        raise CheckpointError("no")

    with pytest.raises(CheckpointError, match="no"):
        resize(ready("CLIP", tmp_path / "from"), tmp_path / "to", 64, "plain", seal=refuse)
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("narrow", [False, True])
def test_positions_that_are_not_the_spec_s_are_refused(narrow: bool, tmp_path: Path) -> None:
    model = random_model(SPECS["hybrid"])
    image = msgspec.structs.replace(model.spec.image, position="learned")
    spec = msgspec.structs.replace(model.spec, image=image)
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    if narrow:
        tensors["image.positions"] = np.zeros((16, 8), np.float32)
    write(tmp_path / "from", spec=spec, tensors=tensors, record=RECORD)
    with pytest.raises(CheckpointError) as caught:
        resize(read(tmp_path / "from"), tmp_path / "to", 64, "plain")
    assert str(caught.value) == (
        f"{tmp_path / 'from' / 'model.safetensors'} has no image.positions of shape [16, 32], "
        "which its spec asks for: the two do not belong together"
    )
