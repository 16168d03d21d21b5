from collections.abc import Callable
from pathlib import Path

import pytest

from ran import Ran
from sightline.checkpoints import layouts
from sightline.checkpoints.folder import CANARIES
from sightline.cli.models import LAYOUTS
from tiny_canaries import any_layout_spec
from tiny_folder import write_some
from tiny_towers import saved, tiny_model


@pytest.fixture
def model(desk: Path) -> Path:
    return saved(desk / "model", tiny_model(any_layout_spec())).folder


def test_every_layout_is_offered() -> None:
    assert sorted(LAYOUTS) == sorted(layouts.LAYOUTS)


@pytest.mark.parametrize("first", LAYOUTS)
def test_each_layout_becomes_each_other_and_is_itself(
    run: Callable[..., Ran], model: Path, desk: Path, first: str
) -> None:
    place = {layout: layout for layout in LAYOUTS} | {"openai": "openai/model.pt"}
    ran = run("models", "convert", "model", first, "--to", first)
    assert (ran.code, ran.out) == (
        0,
        f"wrote {place[first]}: 78 tensors in {first} layout\n",
    )
    for layout in LAYOUTS:
        folder = f"{first}-as-{layout}"
        ran = run("models", "convert", place[first], folder, "--to", layout)
        assert ran.code == 0
        assert (desk / folder / CANARIES).is_file()
        assert run("models", "check", folder).code == 0
    assert run("models", "check", f"{first}-as-openai/model.pt").code == 0


def test_what_the_other_library_does_otherwise_is_said(
    run: Callable[..., Ran], model: Path
) -> None:
    ran = run("models", "convert", "model", "theirs", "--to", "huggingface")
    assert ran.err == "huggingface files say pixels.crop_rounding: 'floor', not 'half_even'\n"
    ran = run("models", "convert", "model", "ours", "--to", "sightline")
    assert ran.err == (
        "transformers' files beside sightline.json say pixels.crop_rounding: 'floor', not "
        "'half_even'\n"
    )
    assert "files beside sightline.json say pixels.crop" in run("models", "info", "ours").out


def test_a_layout_that_cannot_be_the_model_is_refused_in_one_sentence(
    run: Callable[..., Ran], desk: Path
) -> None:
    write_some(desk / "hybrid")
    ran = run("models", "convert", "hybrid", "theirs", "--to", "huggingface")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err == (
        "sightline: error: transformers has no class for this architecture (neither CLIPModel nor "
        "SiglipModel can have its towers and pixels): convert to 'sightline' or 'openclip'\n"
    )
    assert not (desk / "theirs").exists()


def test_a_folder_with_something_else_in_it_is_left_alone(
    run: Callable[..., Ran], model: Path, desk: Path
) -> None:
    ran = run("models", "convert", "model", "photos", "--to", "sightline")
    assert ran.code == 4
    assert "photos is not empty: choose another place" in ran.err


def test_a_layout_has_to_be_one_and_to_be_given(run: Callable[..., Ran], model: Path) -> None:
    assert run("models", "convert", "model", "theirs").code == 2
    assert run("models", "convert", "model", "theirs", "--to", "keras").code == 2


def test_the_group_s_help_lists_its_verbs(run: Callable[..., Ran]) -> None:
    said = run("models", "--help").out
    assert all(f"  {verb} " in said for verb in ("info", "check", "convert"))
