"""What transformers would take for another model in a folder of ours is said, and nothing else."""

from pathlib import Path

import msgspec
import pytest

from sightline.checkpoints import read
from sightline.checkpoints.describing import describe
from sightline.checkpoints.shared_folder import said_otherwise
from tiny_canaries import any_layout_spec, edit_json
from tiny_folder import write_some
from tiny_towers import saved, tiny_model

CROP = (
    "transformers' files beside sightline.json say pixels.crop_rounding: 'floor', not 'half_even'"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(tmp_path / "model", tiny_model(any_layout_spec())).folder


def test_a_model_that_was_trained_here_says_how_transformers_crops(folder: Path) -> None:
    """As every save does whose processor is CLIP's; `models info` shows it."""
    assert said_otherwise(read(folder)) == (CROP,)
    assert describe(read(folder)).remarks == (CROP,)


def test_control_where_both_crop_alike_nothing_is_said(tmp_path: Path) -> None:
    spec = any_layout_spec()
    pixels = msgspec.structs.replace(spec.pixels, crop_rounding="floor")
    model = tiny_model(msgspec.structs.replace(spec, pixels=pixels))
    assert said_otherwise(saved(tmp_path / "model", model)) == ()


def test_what_was_edited_for_transformers_alone_is_said(folder: Path) -> None:
    edit_json(folder / "config.json", "text_config.hidden_act", "gelu")
    (one,) = set(said_otherwise(read(folder))) - {CROP}
    assert one == (
        "transformers' files beside sightline.json say text.activation: 'gelu', not 'quick_gelu'"
    )


def test_files_that_cannot_be_followed_are_a_remark_and_no_error(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (one,) = said_otherwise(read(folder))
    assert one.startswith("transformers' files beside sightline.json cannot be followed: ")
    assert str(folder) + "/" not in one


def test_a_model_that_transformers_has_no_class_for_has_no_remark(tmp_path: Path) -> None:
    assert said_otherwise(write_some(tmp_path / "model")) == ()
