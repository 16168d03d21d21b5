"""A tower's graph: valid, small, and the same bytes for the same model."""

from pathlib import Path

import onnx
import pytest

from sightline.runtime.graphs import TOWERS, Tower, binding, build
from tiny_towers import SPECS, saved, tiny_model


@pytest.mark.parametrize("name", ["CLIP", "SigLIP", "hybrid", "ResNet"])
@pytest.mark.parametrize("tower", TOWERS)
def test_the_onnx_package_finds_no_fault(name: str, tower: Tower, tmp_path: Path) -> None:
    path = tmp_path / "graph.onnx"
    path.write_bytes(build(saved(tmp_path / "m", tiny_model(SPECS[name])), tower))
    (tmp_path / "m" / "model.safetensors").rename(tmp_path / "model.safetensors")
    onnx.checker.check_model(path, full_check=True)


@pytest.mark.parametrize("tower", TOWERS)
def test_the_same_model_gives_the_same_bytes(tower: Tower, tmp_path: Path) -> None:
    model = tiny_model(SPECS["hybrid"])
    one, two = (build(saved(tmp_path / name, model), tower) for name in ("one", "two"))
    assert one == two
    assert len(one) < 40_000


def test_no_weight_is_inside_a_graph(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["hybrid"]))
    for tower in TOWERS:
        graph = onnx.load_from_string(build(checkpoint, tower)).graph
        inside = [item for item in graph.initializer if not item.external_data]
        assert all(len(item.raw_data) <= 32 for item in inside)
        assert {item.name for item in graph.initializer} - {item.name for item in inside} <= set(
            checkpoint.weights
        )


@pytest.mark.parametrize(("name", "length"), [("hybrid", "tokens"), ("SigLIP", 12)])
def test_rows_may_be_shorter_only_where_that_is_exact(
    name: str, length: str | int, tmp_path: Path
) -> None:
    graph = onnx.load_from_string(build(saved(tmp_path, tiny_model(SPECS[name])), "text")).graph
    axis = graph.input[0].type.tensor_type.shape.dim[1]
    assert (axis.dim_param or axis.dim_value) == length


def test_another_model_has_another_binding(tmp_path: Path) -> None:
    one, two = (saved(tmp_path, tiny_model(SPECS["CLIP"], seed)) for seed in (1, 2))
    assert binding(one) != binding(two)
