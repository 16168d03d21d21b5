"""Graphs that stand alone, as OpenVINO writes and opens them."""

from pathlib import Path

import numpy as np
import pytest

from sightline.errors import CheckpointError
from sightline.runtime.openvino_session import open_ir, write_ir
from sightline.runtime.torch_towers import TorchTowers
from sightline.runtime.whole_graph import write_whole
from tiny_towers import SPECS, saved, some_pixels, tiny_model


def test_what_is_written_opens_and_computes_the_same(tmp_path: Path) -> None:
    model = tiny_model(SPECS["hybrid"])
    write_whole(saved(tmp_path / "model", model), "image", tmp_path / "image.onnx")
    write_ir(tmp_path / "image.onnx", tmp_path / "image.xml")
    (tmp_path / "image.onnx").unlink()
    pixels = some_pixels(model.spec, 3)
    found = open_ir(tmp_path / "image.xml")(pixels)
    assert np.allclose(found, TorchTowers(model).image(pixels), atol=1e-5)


def test_a_broken_graph_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "image.onnx").write_bytes(b"no graph")
    with pytest.raises(CheckpointError) as caught:
        write_ir(tmp_path / "image.onnx", tmp_path / "image.xml")
    assert str(caught.value).startswith(f"{tmp_path / 'image.onnx'} cannot be written for OpenVINO")
    assert str(caught.value).endswith("): export in another format")


def test_a_broken_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "image.xml").write_text("<net", encoding="utf-8")
    with pytest.raises(CheckpointError) as caught:
        open_ir(tmp_path / "image.xml")
    assert str(caught.value).startswith(f"{tmp_path / 'image.xml'} does not compile (")
    assert str(caught.value).endswith("): export again")
