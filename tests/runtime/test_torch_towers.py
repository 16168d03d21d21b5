"""The reference: a live model, or one opened from a folder."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sightline.checkpoints import Checkpoint, Weights, read
from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.runtime.torch_towers import (
    PRECISIONS,
    TorchTowers,
    _tf32_switches,
    _without_tf32,
    load_model,
    open_torch_towers,
)
from sightline.tensors import open_tensors
from tiny_folder import RECORD
from tiny_towers import SPECS, distances, saved, some_ids, some_pixels, tiny_model, unit


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


@pytest.mark.parametrize(("stored", "mapped"), [(np.float16, False), (np.float32, True)])
def test_what_is_widened_is_read_past_the_mapping_whose_pages_would_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: type[Any], mapped: bool
) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]), stored)
    seen: list[str] = []
    real = Weights.words

    def words(self: Weights, name: str) -> np.ndarray:
        seen.append(name)
        return real(self, name)

    monkeypatch.setattr(Weights, "words", words)
    load_model(checkpoint)
    assert set(seen) == (set(checkpoint.weights) if mapped else set())


HALVES = ["bfloat16", "float16"]


@pytest.mark.parametrize("name", ["CLIP", "SigLIP", "hybrid", "ResNet"])
@pytest.mark.parametrize(("precision", "near"), [("bfloat16", 0.03), ("float16", 0.004)])
def test_half_precision_is_near_and_not_the_same(
    name: str, precision: str, near: float, tmp_path: Path
) -> None:
    """A bound on rounding alone, of 3 decimals less in bfloat16; tests/parity/ is exact."""
    model = tiny_model(SPECS[name])
    towers = open_torch_towers(saved(tmp_path, model), precision=precision, device="cpu")
    found = distances(towers, TorchTowers(model), model.spec)
    assert max(found.values()) < near
    assert min(found.values()) > 0


@pytest.mark.parametrize("name", ["CLIP", "SigLIP", "hybrid", "ResNet"])
@pytest.mark.parametrize(("precision", "near"), [("bfloat16", 1e-2), ("float16", 1e-3)])
def test_whoever_else_is_in_the_batch_shows_by_rounding_at_most(
    name: str, precision: str, near: float, tmp_path: Path
) -> None:
    """Nothing is scaled by what the batch holds; measured: 3.0e-4 at worst, of a ResNet."""
    model = tiny_model(SPECS[name])
    towers = open_torch_towers(saved(tmp_path, model), precision=precision, device="cpu")
    pixels, ids = some_pixels(model.spec), some_ids()
    alone = np.concatenate([towers.image(one[None]) for one in pixels])
    assert np.abs(unit(alone) - unit(towers.image(pixels))).max() < near
    single = np.concatenate([towers.text(one[None]) for one in ids])
    assert np.abs(unit(single) - unit(towers.text(ids))).max() < near


@pytest.mark.parametrize("precision", HALVES)
def test_only_batch_norms_stay_in_single_precision(precision: str, tmp_path: Path) -> None:
    model = load_model(saved(tmp_path, tiny_model(SPECS["ResNet"])), precision)
    whole = {name for name, one in model.state_dict().items() if one.dtype == torch.float32}
    assert whole
    assert all(re.search(r"\.bn\d?\.", name) for name in whole)
    assert TorchTowers(model).precision == precision


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_what_is_stored_in_the_precision_asked_for_is_not_copied(
    precision: str, tmp_path: Path
) -> None:
    model = tiny_model(SPECS["CLIP"]).to(PRECISIONS[precision])
    path = tmp_path / "model.safetensors"
    save_file({name: one.contiguous() for name, one in model.state_dict().items()}, path)
    checkpoint = Checkpoint(
        folder=tmp_path,
        layout="sightline",
        spec=model.spec,
        record=RECORD,
        weights=Weights(open_tensors(path)),
    )
    loaded = load_model(checkpoint, precision)
    with torch.no_grad():
        loaded.text.positions.zero_()
    # The mapping is private: a write shows there, and not in the file.
    assert not checkpoint.weights["text.positions"].any()
    assert Weights(open_tensors(path))["text.positions"].any()


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


def test_the_description_names_the_precision_of_a_live_model() -> None:
    towers = TorchTowers(tiny_model(SPECS["CLIP"]).to(torch.bfloat16))
    assert towers.description == f"torch {torch.__version__} on cpu, bfloat16"
