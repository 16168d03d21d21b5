"""Other libraries' folders at the terminal."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny_siglip
from ran import Ran
from sightline.checkpoints import convert, read
from sightline.cli.table import percent
from tiny_models import encoded, picture

WITHOUT_TORCH = """
import sys
for name in ("torch", "transformers", "open_clip", "onnx"):
    sys.modules[name] = None
from sightline.cli import run
run()
"""


def test_a_hugging_face_folder_classifies_without_torch(
    desk: Path, tiny_model_folder: Path
) -> None:
    convert(read(tiny_model_folder), desk / "theirs", "huggingface")
    command = ["classify", "photo.jpg", "--labels", "cat,dog", "--json", "--model"]
    answers = [
        subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, *command, str(folder)],
            capture_output=True,
            text=True,
            check=False,
            cwd=desk,
        )
        for folder in (desk / "theirs", tiny_model_folder)
    ]
    assert [(ran.returncode, ran.stderr) for ran in answers] == [(0, "")] * 2
    theirs, ours = (json.loads(ran.stdout)["scores"] for ran in answers)
    # The crop is rounded as in their library: a pixel beside ours, on this picture or not at all.
    assert theirs == pytest.approx(ours, abs=0.1)
    assert sum(theirs.values()) == pytest.approx(1)


@pytest.fixture
def siglip(desk: Path) -> np.ndarray:
    """Write a SigLIP and a picture, and return transformers' probabilities of it."""
    model = tiny_siglip.write(desk / "siglip")
    (desk / "seen.png").write_bytes(encoded(picture(0)))
    said = tiny_siglip.logits(model, picture(0), tiny_siglip.ids(desk / "siglip"))
    return np.asarray(torch.sigmoid(said)[0])


COMMAND = ("classify", "seen.png", "--model", "siglip", "--labels", "Tabby_Cat,it's a dog!,boat")


def test_a_sigmoid_model_says_a_probability_for_each_label(
    run: Callable[..., Ran], siglip: np.ndarray
) -> None:
    ran = run(*COMMAND)
    assert ran.code == 0
    heading, row = ran.out.splitlines()
    assert heading.split() == ["picture", "best", "label", "score", "runners-up"]
    for label, share in zip(tiny_siglip.LABELS, siglip.tolist(), strict=True):
        assert f"{label} " in row
        assert percent(share) in row
    assert ran.err.splitlines()[-1] == (
        "a probability for each label by itself, as the model was trained to give it, so they need "
        "not add up to one (no calibration)"
    )


def test_json_has_the_same_numbers(run: Callable[..., Ran], siglip: np.ndarray) -> None:
    [line] = run(*COMMAND, "--json").out.splitlines()
    assert list(json.loads(line)["scores"].values()) == pytest.approx(
        sorted(siglip.tolist(), reverse=True), abs=1e-5
    )


def test_control_a_softmax_model_says_shares(run: Callable[..., Ran]) -> None:
    ran = run("classify", "photo.jpg", "--labels", "cat,dog")
    assert ran.err.splitlines()[-1].startswith("shares among the labels given, not probabilities")


def test_a_file_of_weights_is_named_with_its_architecture(
    run: Callable[..., Ran], desk: Path, tiny_model_folder: Path
) -> None:
    convert(read(tiny_model_folder), desk / "theirs", "openclip")
    (desk / "theirs" / "open_clip_model.safetensors").rename(desk / "bare.safetensors")
    command = ("similarity", "photo.jpg", "--text", "a cat", "--model", "bare.safetensors")
    assert "name it, as in architecture='ViT-B-32'" in run(*command).err
    said = run(*command, "--architecture", "ViT-B-32").err
    assert "bare.safetensors lacks " in said
    assert said.endswith("its weights and its record do not belong together\n")
