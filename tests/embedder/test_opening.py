import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sightline
from sightline import settings
from sightline.checkpoints import read, write
from sightline.embedder import embedder_of, opening
from sightline.errors import CheckpointError
from sightline.scoring import Calibration
from sightline.spec import Words, open_words
from sightline.spec.document import spec_from_json, spec_to_json
from tiny_folder import with_a_flipped_bit
from tiny_models import RECORD, picture, random_model, tiny_clip_spec


def test_a_model_folder_opens_and_answers(tiny_model_folder: Path) -> None:
    model = sightline.load(tiny_model_folder)
    answer = model.classify([picture(0)], ["cat", "dog"])
    assert answer.scores.sum() == pytest.approx(1)
    assert model.fingerprint == read(tiny_model_folder).fingerprint
    assert model.calibration is None


def test_both_engines_give_the_same_vectors(tiny_model_folder: Path) -> None:
    engines = [sightline.load(tiny_model_folder, runtime=name) for name in ("torch", "onnxruntime")]
    pictures = [picture(n) for n in range(3)]
    torch_made, onnx_made = (model.embed_images(pictures) for model in engines)
    assert np.abs(torch_made - onnx_made).max() < 1e-5


def test_the_trained_scale_is_used_not_the_one_training_starts_from(tmp_path: Path) -> None:
    spec = tiny_clip_spec()
    tensors = {name: value.numpy() for name, value in random_model(spec).state_dict().items()}
    tensors["logit_scale"] = np.array(np.log(50.0), np.float32)
    write(tmp_path / "model", spec=spec, tensors=tensors, record=RECORD)
    head = sightline.load(tmp_path / "model").head
    assert head is not None
    assert head.scale == pytest.approx(50, rel=1e-6)


@pytest.mark.parametrize("scale", [np.float32(1000), np.float32(np.nan), None])
def test_a_scale_that_is_none_is_a_sentence(scale: np.float32 | None, tmp_path: Path) -> None:
    spec = tiny_clip_spec()
    tensors = {name: value.numpy() for name, value in random_model(spec).state_dict().items()}
    del tensors["logit_scale"]
    tensors |= {} if scale is None else {"logit_scale": np.array(scale)}
    write(tmp_path / "model", spec=spec, tensors=tensors, record=RECORD)
    with pytest.raises(CheckpointError, match="logit_scale"):
        sightline.load(tmp_path / "model")


def test_a_calibration_is_read_and_turns_none_of_these_on(tmp_path: Path) -> None:
    spec = tiny_clip_spec()
    tensors = {name: value.numpy() for name, value in random_model(spec).state_dict().items()}
    calibration = {"temperature": 2.0, "null_logit": 1.0, "fitted_on": "toys"}
    folder = tmp_path / "model"
    write(folder, spec=spec, tensors=tensors, record=RECORD, calibration=calibration)
    model = sightline.load(folder)
    assert model.calibration == Calibration(temperature=2.0, null_logit=1.0, fitted_on="toys")
    answer = model.classify([picture(0)], ["cat", "dog"])
    assert answer.none is not None
    assert answer.scores.sum() + answer.none[0] == pytest.approx(1)


def kept_vectors() -> list[Path]:
    home = settings.home()
    assert home is not None
    return list(home.rglob("*.vectors"))


def test_class_vectors_are_kept_between_runs(tiny_model_folder: Path) -> None:
    first = sightline.load(tiny_model_folder).zero_shot(["cat", "dog"])
    [kept] = kept_vectors()
    assert b"cat" not in kept.read_bytes()
    again = sightline.load(tiny_model_folder).zero_shot(["cat", "dog"])
    assert np.array_equal(first.vectors, again.vectors)
    kept.write_bytes(b"damaged")
    assert np.array_equal(
        sightline.load(tiny_model_folder).zero_shot(["cat", "dog"]).vectors, first.vectors
    )


def test_without_a_home_nothing_is_kept_and_all_works(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", "~nobody-of-this-name/cache")
    assert settings.home() is None
    assert sightline.load(tiny_model_folder).zero_shot(["cat", "dog"]).vectors.shape[0] == 2


def test_damaged_weights_are_refused_before_anything_is_kept_of_them(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    tensor = next(name for name in read(tiny_model_folder).weights if name.startswith("text."))
    damaged = with_a_flipped_bit(tiny_model_folder, tmp_path / "model", tensor)
    assert read(damaged).fingerprint == read(tiny_model_folder).fingerprint
    with pytest.raises(CheckpointError) as caught:
        sightline.load(damaged).zero_shot(["cat", "dog"])
    assert str(caught.value) == (
        f"{damaged / 'model.safetensors'} has 1 tensor ({tensor}) changed since sightline.json "
        "was written: restore the file from where the model came from"
    )
    assert kept_vectors() == []


def test_control_a_whole_copy_opens_and_its_vectors_are_kept(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model_folder, tmp_path / "model")
    sightline.load(tmp_path / "model").zero_shot(["cat", "dog"])
    assert len(kept_vectors()) == 1


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        sightline.load(tmp_path / "gone")
    assert str(caught.value) == f"model folder {tmp_path / 'gone'} does not exist: check the path"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            "embed_texts(['a cat'], long='truncate')",
            "long is 'truncate': pass 'raise', 'cut' or 'window'",
        ),
        ("words.rows(['a cat'], long='window')", "long is 'window': pass 'raise' or 'cut'"),
        (
            "embed_images([('a', 'b', 'c')])",
            "picture 0 is a tuple of 3: give (key, picture)",
        ),
        (
            "embed_patches(['a.jpg', 'b.jpg'])",
            "patches were asked of several pictures: give one at a time",
        ),
    ],
)
def test_a_wrong_argument_is_refused_in_one_sentence(
    tiny_model_folder: Path, call: str, sentence: str
) -> None:
    """In a process of its own: here types are checked, and users' are not."""
    code = f"import sightline; sightline.load({str(tiny_model_folder)!r}).{call}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr.splitlines()[-1].partition(": ")[2] == sentence


@contextmanager
def threads_ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wait at the end for the threads that `opening` started."""
    pools: list[ThreadPoolExecutor] = []

    def pool(*arguments: Any, **others: Any) -> ThreadPoolExecutor:
        pools.append(ThreadPoolExecutor(*arguments, **others))
        return pools[-1]

    monkeypatch.setattr(opening, "ThreadPoolExecutor", pool)
    yield
    for one in pools:
        one.shutdown(wait=True)


def opened_towers(model: sightline.Embedder) -> set[str]:
    """Return which towers the engine has open."""
    return set(model.towers._towers._sessions)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("follow", "wanted"), [(True, {"image"}), (False, set())])
def test_the_image_tower_opens_ahead_where_pictures_follow(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch, follow: bool, wanted: set[str]
) -> None:
    with threads_ended(monkeypatch):
        model = embedder_of(read(tiny_model_folder), images_follow=follow)
    assert opened_towers(model) == wanted


def test_what_fails_ahead_is_told_at_the_first_picture(
    tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensor = next(name for name in read(tiny_model_folder).weights if name.startswith("image."))
    damaged = with_a_flipped_bit(tiny_model_folder, tmp_path / "model", tensor)
    with threads_ended(monkeypatch):
        model = embedder_of(read(damaged), images_follow=True)
    with pytest.raises(CheckpointError, match="changed since sightline"):
        model.embed_images([picture(0)])


def test_a_tokenizer_is_opened_once_and_for_the_first_text(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    def counted(*arguments: Any) -> Words:
        opened.append(arguments)
        return open_words(*arguments)

    monkeypatch.setattr(opening, "open_words", counted)
    model = sightline.load(tiny_model_folder)
    model.embed_images([picture(0)])
    assert opened == []
    for _ in range(2):
        model.embed_texts("a cat")
    assert len(opened) == 1


def test_reading_jpegs_fast_is_a_model_of_another_name(tiny_model_folder: Path) -> None:
    careful, fast = (sightline.load(tiny_model_folder, jpegs=how) for how in ("careful", "fast"))
    assert careful.fingerprint == read(tiny_model_folder).fingerprint
    assert fast.fingerprint != careful.fingerprint
    assert fast.spec.pixels.jpegs == "fast"
    assert "jpegs" not in json.dumps(spec_to_json(careful.spec))
    assert spec_from_json(spec_to_json(fast.spec)) == fast.spec
    wrong = f"import sightline; sightline.load({str(tiny_model_folder)!r}, jpegs='sloppy')"
    ran = subprocess.run([sys.executable, "-c", wrong], capture_output=True, text=True, check=False)
    assert "SpecError: jpegs is 'sloppy': pass 'careful' or 'fast'" in ran.stderr
