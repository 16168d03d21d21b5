import math
import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from sightline.checkpoints import read, write
from sightline.checkpoints.describing import Architecture, describe, nearest, tower_line
from sightline.errors import CheckpointError
from sightline.spec import ConvStem, architecture
from sightline.spec.architectures import ARCHITECTURES
from sightline.spec.cost import parameters
from tiny_canaries import any_layout_spec
from tiny_models import RECORD, random_model, tiny_siglip_spec
from tiny_specs import HYBRID
from tiny_towers import tiny_model

replace = msgspec.structs.replace


def test_a_model_is_described_from_its_record_and_its_header(tiny_model_folder: Path) -> None:
    checkpoint = read(tiny_model_folder)
    found = describe(checkpoint)
    counted = parameters(checkpoint.spec)
    assert found.layout == "sightline"
    assert found.architecture == Architecture("its own")
    assert found.parameters["total"] == counted.total == sum(found.precision.values())
    assert found.parameters["text"] == counted.text
    assert found.memory_bytes == {"stored": 4 * counted.total, "float32": 4 * counted.total}
    assert (found.license, found.origin) == (RECORD.license, RECORD.origin)
    assert found.fingerprint == checkpoint.fingerprint
    assert (found.bias, found.has_calibration) == (None, False)
    assert found.scale == pytest.approx(math.exp(checkpoint.weights["logit_scale"].item()))


def test_half_precision_is_half_the_memory(tmp_path: Path) -> None:
    spec = any_layout_spec()
    tensors = {name: one.half().numpy() for name, one in tiny_model(spec).state_dict().items()}
    write(tmp_path / "m", spec=spec, tensors=tensors, record=RECORD, calibration={"t": 1})
    found = describe(read(tmp_path / "m"))
    assert found.memory_bytes["float32"] == 2 * found.memory_bytes["stored"]
    assert list(found.precision) == ["F16"]
    assert found.has_calibration


def test_the_scale_is_as_it_was_stored_and_a_sigmoid_has_a_bias(tmp_path: Path) -> None:
    for name, spec in (("softmax", any_layout_spec()), ("sigmoid", tiny_siglip_spec())):
        model = random_model(spec)
        model.logit_scale.data.fill_(7.0)
        tensors = {key: tensor.numpy() for key, tensor in model.state_dict().items()}
        write(tmp_path / name, spec=spec, tensors=tensors, record=RECORD)
    assert describe(read(tmp_path / "softmax")).scale == pytest.approx(math.exp(7))
    sigmoid = describe(read(tmp_path / "sigmoid"))
    assert sigmoid.scale == pytest.approx(math.exp(7))
    assert sigmoid.bias == pytest.approx(-10)


def test_a_scale_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    spec = any_layout_spec()
    tensors = {name: one.numpy() for name, one in tiny_model(spec).state_dict().items()}
    tensors["logit_scale"] = np.array(1000, np.float32)
    write(tmp_path / "m", spec=spec, tensors=tensors, record=RECORD)
    with pytest.raises(CheckpointError, match="has the logit_scale 1000, which no training"):
        describe(read(tmp_path / "m"))


def test_a_folder_whose_name_is_no_text_is_described(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(tiny_model_folder, folder)
    found = describe(read(folder))
    assert found.model.endswith("caf\ufffd")
    assert msgspec.json.encode(found)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_published_architecture_is_found_again(name: str) -> None:
    """Some names stand for the same model; then one of them is."""
    found = nearest(ARCHITECTURES[name])
    assert found.but_for == ()
    assert ARCHITECTURES[found.name].image == ARCHITECTURES[name].image


def test_what_differs_beside_the_towers_is_named() -> None:
    spec = architecture("ViT-B-32")
    pixels = replace(spec.pixels, crop_rounding="floor")
    assert nearest(replace(spec, pixels=pixels)) == Architecture(
        "ViT-B-32", ("pixels.crop_rounding",)
    )


def test_control_other_towers_are_another_architecture() -> None:
    spec = architecture("ViT-B-32")
    assert nearest(replace(spec, text=replace(spec.text, norm_eps=1e-6))).name == "its own"


def test_a_tower_is_a_line() -> None:
    spec = architecture("ViT-B-32")
    assert tower_line(spec.image) == (
        "ViT, 7 × 7 patches, 32 px each, 12 layers, width 768, 12 heads, MLP 3072, gelu, "
        "eps 1e-05, pool class_token"
    )
    assert tower_line(spec.text) == (
        "causal transformer, 12 layers, width 512, 8 heads, MLP 2048, gelu, eps 1e-05, "
        "pool highest_id"
    )
    assert tower_line(architecture("RN50").image) == (
        "ResNet, blocks 3-4-6-3, width 64, pool of 32 heads"
    )
    assert isinstance(HYBRID.stem, ConvStem)
    assert tower_line(HYBRID).startswith("ViT, 4 × 4 cells of a convolutional stem, 8 px each, ")
    assert tower_line(replace(spec.text, causal=False)).startswith("bidirectional transformer")
