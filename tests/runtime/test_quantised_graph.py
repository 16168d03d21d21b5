"""Towers in eight bits: near the exact ones in both engines, by steps that nothing moves."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
import torch

from sightline.checkpoints import Checkpoint
from sightline.errors import CheckpointError
from sightline.model import CLIP
from sightline.runtime import Towers, ranges
from sightline.runtime.calibrating import WatchedTowers
from sightline.runtime.choosing import Choice
from sightline.runtime.graphs import Tower
from sightline.runtime.onnx_towers import OnnxTowers
from sightline.runtime.openvino_towers import OpenVinoTowers
from sightline.runtime.ranges import Range, Ranges, rounded
from sightline.runtime.ranges_file import read_ranges, write_ranges
from sightline.runtime.torch_towers import TorchTowers
from sightline.runtime.tower_graph import TowerGraph
from tiny_folder import write_arrays
from tiny_towers import SPECS, distances, saved, some_ids, some_pixels, tiny_model, unit

# Of unit vectors' numbers. The worst of the specs below was 0.022, the same in both engines.
NEAR = 0.04
SAME = 1e-5


def ranges_of(checkpoint: Checkpoint) -> Ranges:
    """Calibrate on more than what is then asked."""
    towers = WatchedTowers(checkpoint)
    pixels = some_pixels(checkpoint.spec, 16)
    for given in (pixels[:8], pixels[8:]):
        towers.image(given)
    towers.text(some_ids())
    return towers.ranges()


def onnx_runtime(checkpoint: Checkpoint, found: Ranges) -> Towers:
    return OnnxTowers(checkpoint, threads=1, ranges=found)


def openvino(checkpoint: Checkpoint, found: Ranges) -> Towers:
    choice = Choice(runtime="openvino", precision="int8", why="asked for", ranges=found)
    return OpenVinoTowers(checkpoint, choice, threads=1)


ENGINES: Mapping[str, Callable[[Checkpoint, Ranges], Towers]] = {
    "onnxruntime": onnx_runtime,
    "openvino": openvino,
}


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_spec_stays_near(name: str, engine: str, tmp_path: Path) -> None:
    model = tiny_model(SPECS[name])
    checkpoint = saved(tmp_path, model)
    towers = ENGINES[engine](checkpoint, ranges_of(checkpoint))
    apart = distances(towers, TorchTowers(model), model.spec)
    assert apart.pop("patches") < SAME  # dense vectors stay exact
    assert SAME < max(apart.values()) < NEAR, apart


def operators(checkpoint: Checkpoint, tower: Tower) -> list[onnx.NodeProto]:
    """Return the operators of a tower in eight bits."""
    graph = TowerGraph(checkpoint, tower, ranges_of(checkpoint))
    return list(onnx.load_model_from_string(graph.contents).graph.node)


@pytest.mark.parametrize("tower", ["image", "text"])
def test_zero_is_0_in_the_queries_and_keys_that_are_multiplied(
    tower: Tower, tmp_path: Path
) -> None:
    nodes = operators(saved(tmp_path, tiny_model(SPECS["CLIP"])), tower)
    makers = {node.output[0]: node for node in nodes}
    scores = [node for node in nodes if node.op_type == "Softmax"]
    assert scores
    for node in scores:
        while node.op_type != "MatMul":
            node = makers[node.input[0]]
        zeros = [makers[given].input[2] for given in node.input]
        assert zeros == ["cb_00", "cb_00"], zeros  # int8, and 0


def test_a_patch_stem_is_a_product_of_rows(tmp_path: Path) -> None:
    nodes = operators(saved(tmp_path / "patches", tiny_model(SPECS["CLIP"])), "image")
    assert "Conv" not in {node.op_type for node in nodes}
    nodes = operators(saved(tmp_path / "maps", tiny_model(SPECS["hybrid"])), "image")
    assert "Conv" in {node.op_type for node in nodes}  # control


def test_control_another_model_is_not_near(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"], seed=1))
    other = TorchTowers(tiny_model(SPECS["CLIP"]))
    towers = onnx_runtime(checkpoint, ranges_of(checkpoint))
    assert min(distances(towers, other, checkpoint.spec).values()) > NEAR


@pytest.mark.parametrize("engine", ENGINES)
def test_a_vector_does_not_depend_on_an_extreme_neighbour(engine: str, tmp_path: Path) -> None:
    spec = SPECS["hybrid"]
    checkpoint = saved(tmp_path, tiny_model(spec))
    towers = ENGINES[engine](checkpoint, ranges_of(checkpoint))
    pixels = some_pixels(spec, 3)
    alone = unit(towers.image(pixels[:1]))
    pixels[1:] *= 50
    assert np.abs(unit(towers.image(pixels))[:1] - alone).max() < SAME


def with_outliers(model: CLIP, times: float) -> CLIP:
    """Let a few channels of each norm reach far, and undo it in what reads them.

    The function stays the same; real large models are like that (Dettmers et al., arXiv
    2208.07339).
    """
    state = model.state_dict()
    for name in [name for name in state if name.endswith("_norm.weight")]:
        block, norm = name.removesuffix(".weight").rsplit(".", 1)
        readers = {"attention_norm": ("attention.query", "attention.key", "attention.value")}
        for reader in readers.get(norm, ("mlp.up",)):
            if f"{block}.{reader}.weight" in state:
                state[f"{block}.{reader}.weight"][:, :2] /= times
        if f"{block}.mlp.up.weight" in state:
            state[name][:2] *= times
            state[name.replace("weight", "bias")][:2] *= times
    return model


def test_outlier_channels_are_smoothed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(SPECS["CLIP"])
    plain = TorchTowers(tiny_model(SPECS["CLIP"]))
    with torch.no_grad():
        checkpoint = saved(tmp_path, with_outliers(model, 100.0))
    assert max(distances(TorchTowers(model), plain, model.spec).values()) < 1e-4
    smooth = distances(onnx_runtime(checkpoint, ranges_of(checkpoint)), plain, model.spec)
    monkeypatch.setattr(ranges, "SHARE", 0.0)  # control: channels are not told apart
    monkeypatch.setattr(ranges, "LEAST", 1.0)
    rough = distances(onnx_runtime(checkpoint, ranges_of(checkpoint)), plain, model.spec)
    assert smooth["image"] < NEAR < rough["image"], (smooth, rough)


def test_a_weight_is_rounded_output_by_output() -> None:
    weight = np.array([[1.0, -0.5], [100.0, 50.0], [0.0, 0.0]], np.float32)
    numbers, steps = rounded(weight)
    assert numbers.dtype == np.int8
    assert numbers.tolist() == [[127, -64], [127, 64], [0, 0]]
    assert np.abs(numbers * steps[:, None] - weight).max() <= 0.5 * steps.max()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found.pop("image.blocks.1.mlp.up"), "lack image.blocks.1.mlp.up: calibrate"),
        (
            lambda found: found.update({"image.blocks.0.mlp.up": Range(-1, 1, np.ones(7, "f4"))}),
            "the ranges tell 7 channels of image.blocks.0.mlp.up apart where it has 32: calibrate",
        ),
    ],
)
def test_ranges_of_another_model_are_refused(
    change: Callable[[dict[str, Range]], object], said: str, tmp_path: Path
) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    found = dict(ranges_of(checkpoint).by_name)
    change(found)
    with pytest.raises(CheckpointError, match=said):
        onnx_runtime(checkpoint, Ranges(found)).image(some_pixels(checkpoint.spec))


def test_a_convolution_whose_channels_are_told_apart_is_refused(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["hybrid"]))
    found = dict(ranges_of(checkpoint).by_name)
    found["image.stem.conv"] = Range(-1, 1, np.ones(3, "f4"))
    with pytest.raises(CheckpointError) as caught:
        onnx_runtime(checkpoint, Ranges(found)).image(some_pixels(checkpoint.spec))
    assert str(caught.value) == (
        "the ranges tell 3 channels of image.stem.conv apart, which is a convolution: calibrate "
        "the model again"
    )


@pytest.mark.parametrize("times", [1e-6, 1e-12, 0.0])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_bias_stays_where_its_weights_are_almost_0(
    times: float, engine: str, tmp_path: Path
) -> None:
    model = tiny_model(SPECS["CLIP"])
    state = model.state_dict()
    state["image.blocks.0.mlp.down.weight"][:8] *= times
    state["image.blocks.0.mlp.down.bias"][:8] = 3.0
    checkpoint = saved(tmp_path, model)
    apart = distances(
        ENGINES[engine](checkpoint, ranges_of(checkpoint)), TorchTowers(model), model.spec
    )
    assert apart["image"] < NEAR


def test_ranges_come_back_from_a_file_as_they_were(tmp_path: Path) -> None:
    found = ranges_of(saved(tmp_path / "m", tiny_model(SPECS["hybrid"])))
    write_ranges(found, tmp_path / "ranges.safetensors")
    again = read_ranges(tmp_path / "ranges.safetensors")
    assert again.digest == found.digest
    other = dict(found.by_name)
    first = next(iter(other))
    other[first] = msgspec.structs.replace(other[first], high=other[first].high * 1.01)
    assert Ranges(other).digest != found.digest


ENDS = np.array([-1, 2], np.float32)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"a.ends": ENDS[::-1]}, "ends of a that are none"),
        ({"a.ends": np.zeros(2, np.float32)}, "ends of a that are none"),
        ({"a.ends": np.array([-1, np.inf], np.float32)}, "a.ends, not finite numbers of float32"),
        ({"a.ends": ENDS.astype(np.float64)}, "a.ends, not finite numbers of float32"),
        ({"a.ends": np.array([0, 1e-42], np.float32)}, "ends of a that are none"),
        ({"a.ends": ENDS, "a.smoothing": np.full(3, 1e-45, "f4")}, "a smoothing of a that is none"),
        ({"a.ends": ENDS, "a.smoothing": -np.ones(3, np.float32)}, "a smoothing of a that is none"),
        ({"a.ends": ENDS, "b.smoothing": np.ones(3, np.float32)}, "something else"),
        ({"a.ends": ENDS, "weights": np.ones(3, np.float32)}, "something else"),
    ],
)
def test_a_file_that_holds_no_ranges_is_refused(
    tensors: Mapping[str, np.ndarray], said: str, tmp_path: Path
) -> None:
    path = write_arrays(tmp_path / "ranges.safetensors", dict(tensors))
    with pytest.raises(CheckpointError) as caught:
        read_ranges(path)
    assert str(caught.value) == f"{path} holds {said}: calibrate the model again"


def test_a_file_too_large_for_ranges_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_arrays(tmp_path / "ranges.safetensors", {"a.ends": ENDS})
    monkeypatch.setattr("sightline.runtime.ranges_file.MAX_BYTES", 10)
    with pytest.raises(CheckpointError, match="where ranges take at most 10: calibrate"):
        read_ranges(path)


def test_towers_that_are_watched_answer_as_always(tmp_path: Path) -> None:
    model = tiny_model(SPECS["hybrid"])
    towers = WatchedTowers(saved(tmp_path, model))
    apart = distances(towers, TorchTowers(model), model.spec)
    assert max(apart.values()) < SAME


def test_a_tower_that_saw_nothing_is_named(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    towers = WatchedTowers(checkpoint)
    towers.image(some_pixels(checkpoint.spec))
    with pytest.raises(CheckpointError) as caught:
        towers.ranges()
    assert str(caught.value) == (
        f"the text tower of {checkpoint.folder} was given nothing to be calibrated on: give data "
        "with pictures and with captions or labels"
    )
