"""What loading reads: no weights before they are needed, each tower's before its first answer."""

from collections.abc import Callable
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import sightline
from sightline.checkpoints import Weights, convert, read
from sightline.embedder import Embedder, checked
from sightline.errors import CheckpointError
from sightline.runtime.onnx_towers import OnnxTowers
from tiny_folder import with_a_flipped_bit
from tiny_models import picture

ASK: dict[str, Callable[[Embedder], object]] = {
    "image": lambda model: model.embed_images([picture(0)]),
    "patches": lambda model: model.embed_patches(picture(0)),
    "text": lambda model: model.embed_texts(["a cat"]),
}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that the first part of the name of every hashed tensor is added to."""
    asked: list[str] = []
    real = Weights.digest

    def digest(self: Weights, name: str) -> str:
        asked.append(name.partition(".")[0])
        return real(self, name)

    monkeypatch.setattr(Weights, "digest", digest)
    return asked


@pytest.fixture
def published(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """Return the tiny model as a folder of another library, which has no record of digests."""
    convert(read(tiny_model_folder), tmp_path / "published", "openclip")
    return tmp_path / "published"


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
@pytest.mark.parametrize(("asked", "read_then"), [("image", "image"), ("patches", "image")])
def test_each_tower_is_compared_before_its_first_answer(
    tiny_model_folder: Path, hashed: list[str], runtime: str, asked: str, read_then: str
) -> None:
    model = sightline.load(tiny_model_folder, runtime=runtime)
    assert set(hashed) == {"logit_scale"}
    ASK[asked](model)
    assert set(hashed) == {"logit_scale", read_then}
    ASK["text"](model)
    assert set(hashed) == {"logit_scale", read_then, "text"}
    count = len(hashed)
    assert count == len(read(tiny_model_folder).weights)
    for ask in ASK.values():
        ask(model)
        ask(sightline.load(tiny_model_folder))  # remembered: nothing is hashed again
    assert len(hashed) == count


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
@pytest.mark.parametrize(
    ("tensor", "refused"),
    [("image.positions", ["image", "patches"]), ("text.positions", ["text"])],
)
def test_a_changed_tower_never_answers_and_the_other_one_does(
    tiny_model_folder: Path, tmp_path: Path, runtime: str, tensor: str, refused: list[str]
) -> None:
    damaged = with_a_flipped_bit(tiny_model_folder, tmp_path / "model", tensor)
    model = sightline.load(damaged, runtime=runtime)
    for name, ask in ASK.items():
        if name not in refused:
            ask(model)
            continue
        for _ in range(2):  # nor is it taken for compared
            with pytest.raises(CheckpointError) as caught:
                ask(model)
            assert str(caught.value) == (
                f"{damaged / 'model.safetensors'} has 1 tensor ({tensor}) changed since "
                "sightline.json was written: restore the file from where the model came from"
            )


@pytest.mark.parametrize("asked", ASK)
def test_tensors_are_compared_while_the_engine_works(
    tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    both = Barrier(2, timeout=20)  # one after the other, each would wait for the other in vain
    monkeypatch.setattr(checked, "verify_digests", lambda *_: both.wait())
    model = sightline.load(tiny_model_folder)
    answer = OnnxTowers.run

    def at_the_same_time(self: OnnxTowers, *given: Any) -> np.ndarray:
        both.wait()
        return answer(self, *given)

    monkeypatch.setattr(OnnxTowers, "run", at_the_same_time)
    ASK[asked](model)


def test_a_changed_scale_is_refused_at_once(tiny_model_folder: Path, tmp_path: Path) -> None:
    damaged = with_a_flipped_bit(tiny_model_folder, tmp_path / "model", "logit_scale")
    with pytest.raises(CheckpointError, match=r"has 1 tensor \(logit_scale\) changed since"):
        sightline.load(damaged)


def test_a_published_folder_is_hashed_when_its_name_is_asked_for(
    published: Path, hashed: list[str]
) -> None:
    model = sightline.load(published)
    for ask in ASK.values():
        ask(model)
    assert hashed == []
    named = model.fingerprint
    assert set(hashed) == {"logit_scale", "image", "text"}
    count = len(hashed)
    assert sightline.load(published).fingerprint == named
    assert len(hashed) == count


def test_checked_towers_say_what_runs_and_give_its_vectors(tiny_model_folder: Path) -> None:
    model = sightline.load(tiny_model_folder, runtime="torch")
    assert model.towers.description.startswith("torch ")
    assert model.towers.precision == "float32"
    other = sightline.load(tiny_model_folder, runtime="onnxruntime")
    assert other.towers.description.startswith("onnxruntime ")
    for name, ask in ASK.items():
        assert np.abs(np.asarray(ask(model)) - np.asarray(ask(other))).max() < 1e-5, name
