"""Another size of pictures: the vectors of OpenCLIP's own code and of transformers'."""

from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from published_models import (
    OPENCLIP_CONFIG,
    write_hugging_face_clip,
    write_hugging_face_siglip,
    write_openai,
    write_openclip,
)
from sightline.checkpoints import Checkpoint, convert, read, resize, write
from sightline.checkpoints.resizing import RULES
from sightline.errors import CheckpointError
from sightline.runtime import open_towers
from sightline.spec.inventory import is_counter, shapes
from sightline.spec.towers import Spec
from tiny_folder import RECORD
from tiny_models import random_model
from tiny_towers import SPECS, saved, tiny_model

AGREES = 1e-6  # of unit vectors in float32
ANOTHER = 1e-4  # what a wrong rule shows at least
SIZES = (64, 56, 24, 16)  # grids of 8, 7, 3 and 2 from one of 4
OTHER = {"antialias": "plain", "plain": "antialias"}


def some_pixels(size_px: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 3, size_px, size_px)).astype(np.float32)


def unit(vectors: Any) -> np.ndarray:
    array: np.ndarray = np.asarray(vectors)
    made: np.ndarray = array / np.linalg.norm(array, axis=-1, keepdims=True)
    return made


def ours(folder: Path) -> np.ndarray:
    """Return the vectors of a folder's image tower, in ONNX Runtime and in torch the same."""
    checkpoint = read(folder)
    pixels = some_pixels(checkpoint.spec.pixels.size_px)
    vectors = unit(open_towers(checkpoint).image(pixels))
    again = unit(open_towers(checkpoint, runtime="torch").image(pixels))
    assert np.abs(vectors - again).max() < AGREES
    return vectors


def resized(checkpoint: Checkpoint, folder: Path, size_px: int, how: str | None = None) -> Path:
    assert resize(checkpoint, folder, size_px, how) == read(folder).spec
    return folder


def openclip_at(size_px: int, model: Any, open_clip: ModuleType) -> np.ndarray:
    """Let OpenCLIP build a model of another size, and load the weights as it loads any."""
    config = deepcopy(OPENCLIP_CONFIG)
    vision, text = config["vision_cfg"] | {"image_size": size_px}, config["text_cfg"]
    bigger = open_clip.CLIP(
        config["embed_dim"],
        open_clip.CLIPVisionCfg(**vision),
        open_clip.CLIPTextCfg(**text),
        quick_gelu=True,
    )
    state = dict(model.state_dict())
    open_clip.model.resize_pos_embed(state, bigger)
    bigger.load_state_dict(state)
    with torch.no_grad():
        return unit(bigger.eval().encode_image(torch.from_numpy(some_pixels(size_px))))


def transformers_at(size_px: int, model: Any) -> np.ndarray:
    """Let transformers see pictures of another size."""
    pixels = torch.from_numpy(some_pixels(size_px))
    with torch.no_grad():
        seen = model.eval().get_image_features(pixel_values=pixels, interpolate_pos_encoding=True)
    return unit(seen.pooler_output)


@pytest.mark.parametrize("size_px", SIZES)
def test_an_openclip_model_equals_what_openclip_makes_of_it(
    size_px: int, tmp_path: Path, open_clip: ModuleType
) -> None:
    model = write_openclip(tmp_path / "from", open_clip)
    checkpoint, theirs = read(tmp_path / "from"), openclip_at(size_px, model, open_clip)
    folder = resized(checkpoint, tmp_path / "to", size_px)
    assert read(folder).spec.image.position_resized == "antialias"
    assert np.abs(ours(folder) - theirs).max() < AGREES


@pytest.mark.parametrize("size_px", SIZES)
@pytest.mark.parametrize("write_theirs", [write_hugging_face_clip, write_hugging_face_siglip])
def test_a_hugging_face_model_equals_what_transformers_makes_of_it(
    write_theirs: Any, size_px: int, tmp_path: Path
) -> None:
    model = write_theirs(tmp_path / "from")
    folder = resized(read(tmp_path / "from"), tmp_path / "to", size_px)
    assert read(folder).spec.image.position_resized == "plain"
    assert np.abs(ours(folder) - transformers_at(size_px, model)).max() < AGREES


@pytest.mark.parametrize("size_px", [24, 64])  # larger, too: the two filters have other weights
def test_control_the_other_rule_is_another_model(
    size_px: int, tmp_path: Path, open_clip: ModuleType
) -> None:
    openclip = write_openclip(tmp_path / "openclip", open_clip)
    clip = write_hugging_face_clip(tmp_path / "clip")
    siglip = write_hugging_face_siglip(tmp_path / "siglip")
    theirs = {
        "openclip": openclip_at(size_px, openclip, open_clip),
        "clip": transformers_at(size_px, clip),
        "siglip": transformers_at(size_px, siglip),
    }
    for name, vectors in theirs.items():
        checkpoint = read(tmp_path / name)
        wrong = OTHER[RULES[checkpoint.layout]]
        folder = resized(checkpoint, tmp_path / f"{name}-wrong", size_px, wrong)
        assert np.abs(ours(folder) - vectors).max() > ANOTHER


def test_openai_s_files_are_resized_as_openclip_resizes_them(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    model = write_openai(tmp_path / "model.pt", open_clip)
    folder = resized(read(tmp_path / "model.pt"), tmp_path / "to", 64)
    assert np.abs(ours(folder) - openclip_at(64, model, open_clip)).max() < AGREES


def test_transformers_opens_the_result(tmp_path: Path) -> None:
    from transformers import CLIPModel

    write_hugging_face_clip(tmp_path / "from")
    folder = resized(read(tmp_path / "from"), tmp_path / "to", 64)
    model: Any = CLIPModel.from_pretrained(folder)
    with torch.no_grad():
        seen = model.get_image_features(pixel_values=torch.from_numpy(some_pixels(64)))
    assert np.abs(ours(folder) - unit(seen.pooler_output)).max() < AGREES


@pytest.mark.parametrize("name", ["CLIP", "image: mean without a class token", "ResNet"])
def test_every_tensor_fits_the_new_spec_and_only_positions_changed(
    name: str, tmp_path: Path
) -> None:
    before = saved(tmp_path / "from", tiny_model(SPECS[name]))
    after = read(resized(before, tmp_path / "to", 96, "plain"))
    there = {one: after.weights.place(one).shape for one in after.weights.names()}
    assert {one: shape for one, shape in there.items() if not is_counter(one)} == shapes(after.spec)
    changed = [one for one in after.tensors if after.tensors[one] != before.tensors[one]]
    assert changed == ["image.pool.positions" if name == "ResNet" else "image.positions"]
    assert after.fingerprint != before.fingerprint


def test_the_mean_s_position_of_a_resnet_is_kept_and_the_others_resized(tmp_path: Path) -> None:
    before = saved(tmp_path / "from", tiny_model(SPECS["ResNet"]))
    after = read(resized(before, tmp_path / "to", 96, "antialias"))
    old, new = (one.weights["image.pool.positions"] for one in (before, after))
    assert (old.shape, new.shape) == ((5, 256), (10, 256))
    assert (new[0] == old[0]).all()
    # The middle of three lies between two and two, as far from each.
    assert np.allclose(new[5], old[1:].mean(axis=0), atol=1e-6)
    assert after.spec.image.position_resized == "antialias"
    ours(tmp_path / "to")


def test_the_two_rules_give_two_fingerprints(tmp_path: Path) -> None:
    before = saved(tmp_path / "from", tiny_model(SPECS["CLIP"]))
    found = {read(resized(before, tmp_path / how, 64, how)).fingerprint for how in OTHER}
    assert len(found | {before.fingerprint}) == 3


def test_a_tower_without_positions_needs_only_the_size(tmp_path: Path) -> None:
    before = saved(tmp_path / "from", tiny_model(SPECS["hybrid"]))
    after = read(resized(before, tmp_path / "to", 48))
    assert after.tensors == before.tensors
    assert after.spec.image.position_resized == "no"
    assert after.origin == (
        "resized by Sightline from 32 to 48 px (no position changed), from a model drawn at random"
    )
    ours(tmp_path / "to")


def test_pixels_beyond_the_last_whole_patch_change_no_position(tmp_path: Path) -> None:
    before = saved(tmp_path / "from", tiny_model(SPECS["CLIP"]))
    after = read(resized(before, tmp_path / "to", 35))
    assert after.tensors == before.tensors
    assert (after.spec.image.size_px, after.spec.image.position_resized) == (35, "no")


@pytest.mark.parametrize(
    ("dtype", "stored"), [(torch.float16, "F16"), (torch.bfloat16, "BF16")], ids=str
)
def test_half_precision_stays_half(dtype: torch.dtype, stored: str, tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from", dtype=dtype)
    before = read(tmp_path / "from")
    after = read(resized(before, tmp_path / "to", 64))
    assert {tensor.dtype for tensor in after.tensors.values()} == {stored}
    wide = torch.from_numpy(np.array(before.weights["image.positions"], dtype=np.float32))
    grid = wide[1:].T.reshape(1, 64, 4, 4)
    made = torch.nn.functional.interpolate(grid, (8, 8), mode="bicubic")
    wanted = torch.cat([wide[:1], made.reshape(64, 64).T]).to(dtype).float()
    assert (after.weights["image.positions"] == wanted.numpy()).all()


def test_the_record_says_what_was_done_and_keeps_the_terms(tmp_path: Path) -> None:
    before = saved(tmp_path / "from", tiny_model(SPECS["CLIP"]))
    after = read(resized(before, tmp_path / "to", 64, "antialias"))
    assert after.origin == (
        "resized by Sightline from 32 to 64 px (positions: antialias), from a model drawn at random"
    )
    assert (after.license, after.training_data) == (before.license, before.training_data)


def test_what_was_measured_at_the_old_size_stays_behind(tmp_path: Path) -> None:
    model = random_model(SPECS["hybrid"])
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    calibration = {"temperature": 2.0}
    write(
        tmp_path / "from", spec=model.spec, tensors=tensors, record=RECORD, calibration=calibration
    )
    (tmp_path / "from" / "README.md").write_text("# right in 9 of 10 cases")
    before = read(tmp_path / "from")
    assert before.calibration == calibration
    assert read(resized(before, tmp_path / "to", 48)).calibration is None
    assert not (tmp_path / "to" / "README.md").exists()


def test_a_resized_model_can_be_converted(tmp_path: Path, open_clip: ModuleType) -> None:
    write_openclip(tmp_path / "from", open_clip)
    after = read(resized(read(tmp_path / "from"), tmp_path / "to", 64))
    convert(after, tmp_path / "theirs", "openclip")
    assert read(tmp_path / "theirs").tensors == after.tensors
    assert read(tmp_path / "theirs").spec.pixels.size_px == 64


def test_control_a_spec_alone_does_not_make_the_model(tmp_path: Path) -> None:
    """Without the resized tensor the towers refuse."""
    model = tiny_model(SPECS["CLIP"])
    spec: Spec = model.spec
    bigger = msgspec.structs.replace(
        spec,
        image=msgspec.structs.replace(spec.image, size_px=64),
        pixels=msgspec.structs.replace(spec.pixels, size_px=64),
    )
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    write(tmp_path / "to", spec=bigger, tensors=tensors, record=RECORD)
    with pytest.raises(CheckpointError):
        ours(tmp_path / "to")
