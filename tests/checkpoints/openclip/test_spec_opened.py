"""Folders that OpenCLIP writes: what configs may say, to the same vectors; what does not fit."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from published_answers import rows, unlike
from published_models import OPENCLIP_CONFIG, write_json, write_openclip
from sightline.checkpoints import convert, read
from sightline.checkpoints.describing import describe
from sightline.errors import CheckpointError

WEIGHTS = "open_clip_model.safetensors"
# 64 pixels for the ResNet's 2 × 2 grid would be one; the pictures of `unlike` have 32.
RESNET = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8, "patch_size": None}


def config(**changes: Any) -> dict[str, Any]:
    """Return a small model; `image` and `text` change its towers."""
    image, text = changes.pop("image", {}), changes.pop("text", {})
    vision = image if "layers" in image else OPENCLIP_CONFIG["vision_cfg"] | image
    words = OPENCLIP_CONFIG["text_cfg"] | text
    return OPENCLIP_CONFIG | {"vision_cfg": vision, "text_cfg": words} | changes


BIAS: dict[str, Any] = {"proj_bias": True}
EXACT = {"act_kwargs": {"approximate": "none"}}
CASES = {
    "scale in a list": config(nonscalar_logit_scale=True),
    "scale and bias in lists": config(nonscalar_logit_scale=True, init_logit_bias=-10.0),
    "projection with a bias": config(text=BIAS),
    "projection with a bias, text apart": config(text=BIAS, custom_text=True),
    "fixed positions": config(image={"pos_embed_type": "sin_cos_2d"}),
    "pairs": config(image={"image_size": [32, 32], "patch_size": [8, 8]}),
    "exact GELU in full": config(quick_gelu=False, image=EXACT, text=EXACT),
    "ResNet, text apart": config(image=RESNET, custom_text=True),
    "ResNet, projection with a bias": config(image=RESNET, text=BIAS),
    "ResNet, text apart, projection with a bias": config(image=RESNET, text=BIAS, custom_text=True),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_config_may_say_gives_openclip_s_vectors(
    name: str, tmp_path: Path, open_clip: ModuleType
) -> None:
    model = write_openclip(tmp_path, open_clip, CASES[name]).eval()
    checkpoint = read(tmp_path)
    assert unlike(checkpoint, model, rows(49407, 16)) < 2e-6
    assert describe(checkpoint).scale == pytest.approx(min(100, model.logit_scale.exp().item()))


@pytest.mark.parametrize("name", CASES)
def test_it_is_written_so_that_openclip_opens_it(
    name: str, tmp_path: Path, open_clip: ModuleType
) -> None:
    write_openclip(tmp_path / "theirs", open_clip, CASES[name])
    checkpoint = read(tmp_path / "theirs")
    convert(checkpoint, tmp_path / "ours", "openclip")
    model = open_clip.create_model(f"local-dir:{tmp_path / 'ours'}").eval()
    assert unlike(checkpoint, model, rows(49407, 16)) < 2e-6


def test_control_a_lost_bias_shows(tmp_path: Path, open_clip: ModuleType) -> None:
    model = write_openclip(tmp_path, open_clip, CASES["projection with a bias"])
    model.text_projection.bias.data.add_(0.01)
    assert unlike(read(tmp_path), model, rows(49407, 16)) > 1e-4


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(folder)
    return str(caught.value)


def changed(folder: Path, *, without: str | None = None, extra: str | None = None) -> Path:
    """Take a tensor out of a folder's weights, or put one in."""
    tensors = load_file(folder / WEIGHTS)
    if without is not None:
        del tensors[without]
    tensors |= {extra: torch.zeros(1)} if extra else {}
    save_file(tensors, folder / WEIGHTS)
    return folder / WEIGHTS


TITLES = {
    "projection with a bias": "OpenCLIP's (text projection with a bias)",
    "ResNet, text apart": "OpenCLIP's (ResNet, text tower apart)",
    "pairs": "OpenAI's and OpenCLIP's",
}


@pytest.mark.parametrize("name", TITLES)
def test_a_tensor_too_many_is_said_of_the_folder_s_own_layout(
    name: str, tmp_path: Path, open_clip: ModuleType
) -> None:
    write_openclip(tmp_path, open_clip, CASES[name])
    path = changed(tmp_path, extra="ema.decay")
    assert refusal(tmp_path) == (
        f"{path} has left over 1 tensor (ema.decay) for a model in {TITLES[name]} layout: its "
        "weights and its record do not belong together"
    )


def test_a_missing_tensor_is_named_as_openclip_does(tmp_path: Path, open_clip: ModuleType) -> None:
    write_openclip(tmp_path, open_clip, CASES["projection with a bias, text apart"])
    path = changed(tmp_path, without="text.text_projection.bias")
    assert refusal(tmp_path) == (
        f"{path} lacks 1 tensor (text.text_projection.bias) for a model in OpenCLIP's (text tower "
        "apart, its projection with a bias) layout: its weights and its record do not belong "
        "together"
    )


def test_a_bias_that_only_the_config_has_is_named_as_openclip_does(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    said = write_openclip(tmp_path, open_clip, config(custom_text=True))
    assert "text.text_projection" in said.state_dict()
    document = json.loads((tmp_path / "open_clip_config.json").read_text())
    document["model_cfg"]["text_cfg"]["proj_bias"] = True
    write_json(tmp_path / "open_clip_config.json", document)
    assert refusal(tmp_path) == (
        f"{tmp_path / WEIGHTS} lacks 2 tensors (text.text_projection.bias, "
        "text.text_projection.weight) and has left over 1 tensor (text.text_projection) for a "
        "model in OpenCLIP's (text tower apart, its projection with a bias) layout: its names are "
        "those of OpenCLIP's (text tower apart) layout"
    )
