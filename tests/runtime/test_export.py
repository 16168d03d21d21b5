"""Graphs written beside the weights."""

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest

from sightline.checkpoints import read
from sightline.errors import CheckpointError
from sightline.runtime.export import export_graphs
from sightline.runtime.torch_towers import TorchTowers
from tiny_towers import SPECS, saved, some_ids, tiny_model


def test_the_folder_gains_three_graphs_and_nothing_else(tmp_path: Path) -> None:
    before = saved(tmp_path / "m", tiny_model(SPECS["hybrid"]))
    written = export_graphs(tmp_path / "m")
    assert [path.name for path in written] == ["image.onnx", "text.onnx", "patches.onnx"]
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == sorted(
        ["model.safetensors", "sightline.json", *(path.name for path in written)]
    )
    assert read(tmp_path / "m").fingerprint == before.fingerprint


def test_onnx_runtime_alone_runs_a_graph_by_its_path(tmp_path: Path) -> None:
    model = tiny_model(SPECS["CLIP"])
    saved(tmp_path, model)
    export_graphs(tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "text.onnx")
    [vectors] = session.run(None, {"ids": some_ids()})
    assert np.allclose(vectors, TorchTowers(model).text(some_ids()), atol=1e-5)


def test_making_the_graphs_again_replaces_them(tmp_path: Path) -> None:
    saved(tmp_path, tiny_model(SPECS["CLIP"]))
    (tmp_path / "image.onnx").write_bytes(b"no graph")
    first = [path.read_bytes() for path in export_graphs(tmp_path)]
    assert first == [path.read_bytes() for path in export_graphs(tmp_path)]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    saved(tmp_path, tiny_model(SPECS["CLIP"]))
    (tmp_path / "image.onnx").mkdir()
    with pytest.raises(CheckpointError) as caught:
        export_graphs(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'image.onnx'} cannot be written (Is a directory): free some space or make "
        "the folder writable"
    )
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
