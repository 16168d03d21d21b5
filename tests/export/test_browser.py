"""The page goes along, and its engine where it was given."""

import json
from pathlib import Path

import pytest

from sightline.checkpoints import read
from sightline.errors import CheckpointError, DataError
from sightline.export import Plan, export
from sightline.export.browser import ENGINE, PAGE, write_page
from sightline.scoring import Class

CLASSES = (Class("cat"), Class("dog"))


def test_a_page_without_an_engine_is_whole_and_can_be_replaced(tmp_path: Path) -> None:
    plan = Plan(format="onnx", classes=CLASSES, page=True)
    for _ in range(2):
        done = export(read(), tmp_path / "out", plan, replace=True)
    assert set(PAGE) < done.sizes.keys()
    assert not (tmp_path / "out" / "onnxruntime-web").exists()
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "serve this folder (`python -m http.server`)" in readme


def test_the_engine_is_copied_and_listed(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "onnxruntime-web"
    (package / "dist").mkdir(parents=True)
    for name in (*ENGINE, "ort.webgpu.min.mjs"):
        (package / "dist" / name).write_text(name, encoding="utf-8")
    plan = Plan(format="onnx", classes=CLASSES, page=True, browser_engine=package)
    export(read(), tmp_path / "out", plan)
    export(read(), tmp_path / "out", plan, replace=True)
    files = json.loads((tmp_path / "out" / "export.json").read_bytes())["files"]
    engine = {name for name in files if name.startswith("onnxruntime-web/")}
    assert engine == {f"onnxruntime-web/{name}" for name in ENGINE}


def test_another_folder_is_no_engine(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(CheckpointError) as caught:
        write_page(tmp_path / "out", tmp_path / "elsewhere")
    assert str(caught.value) == (
        f"{tmp_path / 'elsewhere'} is not the npm package onnxruntime-web, "
        f"{tmp_path / 'elsewhere' / 'dist' / ENGINE[0]} is missing: run `npm install "
        "onnxruntime-web` and give node_modules/onnxruntime-web"
    )


def test_a_page_needs_class_vectors_and_onnx() -> None:
    said = (
        "a page for browsers needs class vectors and ONNX: give labels (--labels), and the format "
        "onnx"
    )
    with pytest.raises(DataError) as caught:
        Plan(format="onnx", page=True)
    assert str(caught.value) == said
    with pytest.raises(DataError) as caught:
        Plan(format="openvino", classes=CLASSES, page=True)
    assert str(caught.value) == said


def test_the_page_asks_no_other_server() -> None:
    from importlib.resources import files

    texts = [files("sightline.export").joinpath("page", name).read_text("utf-8") for name in PAGE]
    assert not [text for text in texts if "http:" in text or "https:" in text or "//cdn" in text]
