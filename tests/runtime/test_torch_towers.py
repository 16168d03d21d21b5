"""The reference: a live model, or one opened from a folder."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sightline.checkpoints import read
from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.runtime.torch_towers import (
    TorchTowers,
    _tf32_switches,
    _without_tf32,
    load_model,
    open_torch_towers,
)
from tiny_towers import SPECS, distances, saved, some_ids, some_pixels, tiny_model


def test_a_live_model_gives_the_vectors_of_its_evaluation_mode() -> None:
    model = tiny_model(SPECS["hybrid"])
    pixels = some_pixels(model.spec)
    with torch.no_grad():
        wanted = model.eval().encode_image(torch.from_numpy(pixels)).numpy()
    model.train()
    assert np.array_equal(TorchTowers(model).image(pixels), wanted)


def test_every_module_goes_back_to_its_own_mode() -> None:
    model = tiny_model(SPECS["hybrid"]).train()
    model.image.stem.eval()  # frozen, say
    before = {name: module.training for name, module in model.named_modules()}
    counted = int(model.state_dict()["image.stem.bn.num_batches_tracked"])
    TorchTowers(model).image(some_pixels(model.spec))
    assert {name: module.training for name, module in model.named_modules()} == before
    assert int(model.state_dict()["image.stem.bn.num_batches_tracked"]) == counted


def test_a_failing_call_puts_the_modes_back_too() -> None:
    model = tiny_model(SPECS["CLIP"]).train()
    with pytest.raises(IndexError):
        TorchTowers(model).text(np.full((1, 12), 1_000_000))
    assert all(module.training for module in model.modules())


def test_mixed_precision_around_the_call_changes_nothing() -> None:
    model = tiny_model(SPECS["CLIP"])
    towers, pixels = TorchTowers(model), some_pixels(model.spec)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = towers.image(pixels)
    assert np.array_equal(inside, towers.image(pixels))


def tf32() -> list[object]:
    return [getattr(place, name) for place, name, _ in _tf32_switches()]


@pytest.mark.parametrize(("device", "inside"), [("cuda", "ieee"), ("cpu", "tf32")])
def test_float32_on_cuda_is_not_tf32_and_the_switches_go_back(device: str, inside: str) -> None:
    before, seen = tf32(), []

    def fail() -> None:
        seen.append(tf32())
        raise ZeroDivisionError

    with _without_tf32(torch.device("cuda")):  # whatever is set here is put back by it
        for place, name, _ in _tf32_switches():
            setattr(place, name, "tf32")
        with pytest.raises(ZeroDivisionError), _without_tf32(torch.device(device)):
            fail()
        assert tf32() == ["tf32", "tf32"]
    assert (seen, tf32()) == ([[inside, inside]], before)


@pytest.mark.parametrize("name", ["CLIP", "SigLIP", "hybrid", "ResNet"])
def test_a_folder_opens_as_the_model_that_was_saved(name: str, tmp_path: Path) -> None:
    model = tiny_model(SPECS[name])
    towers = open_torch_towers(saved(tmp_path, model), device="cpu")
    assert max(distances(towers, TorchTowers(model), model.spec).values()) == 0


def test_half_precision_is_widened(tmp_path: Path) -> None:
    model = load_model(saved(tmp_path, tiny_model(SPECS["CLIP"]), np.float16))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert TorchTowers(model).text(some_ids()).dtype == np.float32


def test_a_loaded_model_may_be_trained_without_touching_its_file(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    before = checkpoint.weights.path.read_bytes()
    model = load_model(checkpoint)
    with torch.no_grad():
        model.text.positions.add_(1)
    assert checkpoint.weights.path.read_bytes() == before
    assert not np.array_equal(
        read(tmp_path).weights["text.positions"], model.text.positions.detach().numpy()
    )


def test_weights_that_do_not_belong_to_the_spec_are_refused(tmp_path: Path) -> None:
    model = tiny_model(SPECS["CLIP"])
    model.spec = SPECS["image: no pre-norm"]
    with pytest.raises(CheckpointError) as caught:
        load_model(saved(tmp_path, model))
    assert str(caught.value) == (
        f"{tmp_path / 'model.safetensors'} and its spec disagree about 2 tensors "
        "(image.pre_norm.bias, image.pre_norm.weight): its weights do not belong to its spec"
    )


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    with pytest.raises(RuntimeUnavailable) as caught:
        open_torch_towers(checkpoint, device="xpu:99")
    assert str(caught.value).startswith("device 'xpu:99' is not there (")
    assert str(caught.value).endswith("): choose 'cpu' or 'auto'")


def test_the_description_names_engine_and_device() -> None:
    towers = TorchTowers(tiny_model(SPECS["CLIP"]))
    assert towers.description == f"torch {torch.__version__} on cpu, float32: the reference"
