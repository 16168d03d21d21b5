from hashlib import sha256
from pathlib import Path

import pytest

from sightline.checkpoints.json_file import MAX_BYTES
from sightline.checkpoints.layouts import LAYOUTS
from sightline.errors import CheckpointError
from sightline.verify.beside import CARD, OPENED, SAYS, beside


def test_small_files_have_their_digests_and_nothing_else_has(tmp_path: Path) -> None:
    for name in ("config.json", CARD, "model.safetensors", "results.json", "image.onnx"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "tokenizer.json").mkdir()
    assert beside(tmp_path) == {
        name: sha256(name.encode()).hexdigest() for name in ("config.json", CARD)
    }


def test_a_file_that_is_not_small_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(CheckpointError, match=f"config.json has {MAX_BYTES + 1} bytes, more than"):
        beside(tmp_path)


def test_every_layout_says_which_of_its_files_say_what() -> None:
    assert SAYS.keys() == LAYOUTS.keys()
    assert {name for files in SAYS.values() for name in files} <= set(OPENED)
