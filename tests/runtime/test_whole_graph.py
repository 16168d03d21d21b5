"""Towers that stand alone: one file that an engine opens anywhere."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest

from sightline.checkpoints import Checkpoint
from sightline.errors import CheckpointError
from sightline.runtime import whole_graph
from sightline.runtime.calibrating import WatchedTowers
from sightline.runtime.onnx_towers import OnnxTowers
from sightline.runtime.torch_towers import TorchTowers
from sightline.runtime.whole_graph import write_whole
from tiny_towers import SPECS, saved, some_ids, some_pixels, tiny_model


def answer(path: Path, rows: np.ndarray) -> np.ndarray:
    """Open a file as anyone would."""
    session = onnxruntime.InferenceSession(path)
    [given] = session.get_inputs()
    return np.asarray(session.run(None, {given.name: rows})[0])


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return saved(tmp_path / "model", tiny_model(SPECS["hybrid"]))


@pytest.mark.parametrize("name", ["CLIP", "SigLIP", "hybrid", "ResNet"])
def test_a_tower_alone_in_a_folder_computes_what_the_model_does(name: str, tmp_path: Path) -> None:
    model = tiny_model(SPECS[name])
    made_of = saved(tmp_path / "model", model)
    alone = tmp_path / "alone"
    alone.mkdir()
    given = {"image": some_pixels(model.spec, 3), "text": some_ids()}
    write_whole(made_of, "image", alone / "image.onnx")
    write_whole(made_of, "text", alone / "text.onnx")
    assert {path.name for path in alone.iterdir()} == {"image.onnx", "text.onnx"}
    towers = TorchTowers(model)
    assert np.allclose(
        answer(alone / "image.onnx", given["image"]), towers.image(given["image"]), atol=1e-5
    )
    assert np.allclose(
        answer(alone / "text.onnx", given["text"]), towers.text(given["text"]), atol=1e-5
    )


def test_the_batch_axis_is_free(checkpoint: Checkpoint, tmp_path: Path) -> None:
    write_whole(checkpoint, "image", tmp_path / "image.onnx")
    pixels = some_pixels(checkpoint.spec, 5)
    together = answer(tmp_path / "image.onnx", pixels)
    alone = np.concatenate([answer(tmp_path / "image.onnx", one[None]) for one in pixels])
    assert np.allclose(together, alone, atol=1e-5)


def test_a_file_holds_nothing_that_no_operator_reads(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    write_whole(checkpoint, "image", tmp_path / "image.onnx")
    graph = onnx.load(tmp_path / "image.onnx").graph
    read = {name for node in graph.node for name in node.input}
    assert {one.name for one in graph.initializer} <= read
    onnx.checker.check_model(onnx.load(tmp_path / "image.onnx"), full_check=True)


def test_half_precision_is_how_matrices_are_stored(checkpoint: Checkpoint, tmp_path: Path) -> None:
    write_whole(checkpoint, "text", tmp_path / "text.onnx", stored="float16")
    write_whole(checkpoint, "text", tmp_path / "wide.onnx")
    kinds = {
        one.name: onnx.TensorProto.DataType.Name(one.data_type)
        for one in onnx.load(tmp_path / "text.onnx").graph.initializer
        if one.name in checkpoint.weights
    }
    assert kinds["text.blocks.0.mlp.up.weight"] == "FLOAT16"
    assert kinds["text.blocks.0.mlp.up.bias"] == "FLOAT"  # of vectors, which are few numbers
    near = answer(tmp_path / "text.onnx", some_ids()) - answer(tmp_path / "wide.onnx", some_ids())
    assert 0 < np.abs(near).max() < 0.01


def test_a_number_that_half_precision_lacks_is_refused(tmp_path: Path) -> None:
    model = tiny_model(SPECS["CLIP"])
    model.state_dict()["text.tokens.weight"][3, 2] = 70000.0
    made_of = saved(tmp_path / "model", model)
    write_whole(made_of, "text", tmp_path / "wide.onnx")
    with pytest.raises(CheckpointError) as caught:
        write_whole(made_of, "text", tmp_path / "text.onnx", stored="float16")
    assert str(caught.value) == (
        f"{made_of.weights.path} has 7e+04 in text.tokens.weight, which float16 cannot hold: "
        "export in float32"
    )


def test_eight_bits_are_those_that_the_model_runs_in(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    watched = WatchedTowers(checkpoint)
    pixels, ids = some_pixels(checkpoint.spec, 4), some_ids()
    watched.image(pixels)
    watched.text(ids)
    ranges = watched.ranges()
    write_whole(checkpoint, "image", tmp_path / "image.onnx", ranges=ranges)
    write_whole(checkpoint, "text", tmp_path / "text.onnx", ranges=ranges)
    towers = OnnxTowers(checkpoint, ranges=ranges)
    assert np.allclose(answer(tmp_path / "image.onnx", pixels), towers.image(pixels), atol=1e-5)
    assert np.allclose(answer(tmp_path / "text.onnx", ids), towers.text(ids), atol=1e-5)


@pytest.mark.parametrize("stored", ["float32", "float16"])
def test_what_one_file_may_not_hold_lies_beside_it(
    stored: str, checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(checkpoint, "image", tmp_path / "whole.onnx", stored=stored)
    monkeypatch.setattr(whole_graph, "MOST_INSIDE", 1000)
    write_whole(checkpoint, "image", tmp_path / "image.onnx", stored=stored)
    inside, beside = (tmp_path / "image.onnx").stat(), (tmp_path / "image.onnx.data").stat()
    assert inside.st_size < beside.st_size
    pixels = some_pixels(checkpoint.spec, 2)
    whole = answer(tmp_path / "whole.onnx", pixels)
    assert np.array_equal(answer(tmp_path / "image.onnx", pixels), whole)


def test_a_file_says_whose_tower_it_is(checkpoint: Checkpoint, tmp_path: Path) -> None:
    write_whole(checkpoint, "image", tmp_path / "image.onnx")
    [told] = onnx.load(tmp_path / "image.onnx").metadata_props
    assert (told.key, told.value) == (whole_graph.KEY, checkpoint.fingerprint)
