from collections.abc import Callable
from pathlib import Path

import pytest

from ran import Ran
from sightline.checkpoints import read
from sightline.checkpoints.folder import CANARIES
from sightline.checkpoints.resizing import ANTIALIAS
from sightline.cli.model_resize import RULES
from tiny_canaries import any_layout_spec
from tiny_towers import saved, tiny_model


@pytest.fixture
def model(desk: Path) -> Path:
    return saved(desk / "model", tiny_model(any_layout_spec())).folder


def test_every_rule_is_offered() -> None:
    assert sorted(RULES) == sorted(ANTIALIAS)


@pytest.mark.parametrize("how", RULES)
def test_a_model_is_written_at_another_size_and_is_itself(
    run: Callable[..., Ran], model: Path, desk: Path, how: str
) -> None:
    ran = run("models", "resize", "model", "bigger", "--size", "64", "--how", how)
    assert (ran.code, ran.out, ran.err) == (
        0,
        f"wrote bigger: pictures of 64 px, positions resized to 8 × 8 ({how})\n",
        "",
    )
    assert read(desk / "bigger").spec.pixels.size_px == 64
    assert (desk / "bigger" / CANARIES).is_file()
    assert run("models", "check", "bigger").code == 0
    assert run("classify", "photo.jpg", "--labels", "a,b", "--model", "bigger").code == 0


def test_the_rule_is_that_of_the_files(run: Callable[..., Ran], model: Path) -> None:
    for layout, how in (("huggingface", "plain"), ("openclip", "antialias")):
        assert run("models", "convert", "model", layout, "--to", layout).code == 0
        ran = run("models", "resize", layout, f"{layout}-16", "--size", "16")
        assert ran.out == (
            f"wrote {layout}-16: pictures of 16 px, positions resized to 2 × 2 ({how})\n"
        )


def test_where_no_position_changes_no_rule_is_needed(run: Callable[..., Ran], model: Path) -> None:
    ran = run("models", "resize", "model", "other", "--size", "33")
    assert ran.out == "wrote other: pictures of 33 px, no position changed\n"


def test_what_cannot_be_is_one_sentence(run: Callable[..., Ran], model: Path, desk: Path) -> None:
    ran = run("models", "resize", "model", "same", "--size", "32")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err == (
        "sightline: error: the model takes pictures of 32 px already: give another size\n"
    )
    ran = run("models", "resize", "model", "bigger", "--size", "64")
    assert (ran.code, ran.err) == (
        4,
        "sightline: error: model is in sightline layout, whose positions libraries resize in two "
        "ways: give antialias (as OpenCLIP) or plain (as Hugging Face)\n",
    )
    assert not (desk / "same").exists()
    assert not (desk / "bigger").exists()


def test_a_size_and_a_known_rule_have_to_be_given(run: Callable[..., Ran], model: Path) -> None:
    assert run("models", "resize", "model", "bigger").code == 2
    assert run("models", "resize", "model", "bigger", "--size", "large").code == 2
    assert run("models", "resize", "model", "bigger", "--size", "64", "--how", "both").code == 2
