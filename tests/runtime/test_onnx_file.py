"""The bytes of our graphs, read by the onnx package."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import CheckpointError
from sightline.runtime.located import beside
from sightline.runtime.onnx_file import Attribute, GraphWriter
from tiny_folder import weights_of, write_arrays


def empty_graph(folder: Path) -> GraphWriter:
    """Return a graph over a file of two tensors."""
    tensors: dict[str, np.ndarray] = {
        "w": np.ones((2, 3), dtype=np.float16),
        "count": np.array(1, dtype=np.int64),
    }
    weights = weights_of(write_arrays(folder / "model.safetensors", tensors))
    return GraphWriter(weights, beside(weights))


@pytest.fixture
def graph(tmp_path: Path) -> GraphWriter:
    return empty_graph(tmp_path)


def parsed(graph: GraphWriter, output: str) -> onnx.ModelProto:
    graph.output("vector", output, ("images", 3))
    encoded = graph.finish(("x", "float32", ("images", 2)), {"key": "välue"})
    return onnx.load_from_string(encoded)


def test_a_small_graph_reads_back_whole(graph: GraphWriter, tmp_path: Path) -> None:
    product = graph.node("MatMul", "x", graph.weight("w", 2, 3))
    model = parsed(graph, product)
    onnx.save(model, tmp_path / "graph.onnx")
    onnx.checker.check_model(tmp_path / "graph.onnx", full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Cast", "MatMul", "Identity"]
    assert (model.ir_version, model.opset_import[0].version) == (9, 20)
    assert {entry.key: entry.value for entry in model.metadata_props} == {"key": "välue"}
    [given_axes, wanted_axes] = (
        [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (model.graph.input[0], model.graph.output[0])
    )
    assert (given_axes, wanted_axes) == (["images", 2], ["images", 3])


def test_a_weight_points_into_its_file(graph: GraphWriter, tmp_path: Path) -> None:
    model = parsed(graph, graph.weight("w", 2, 3))
    [stored] = model.graph.initializer
    assert (stored.name, stored.data_type) == ("w", onnx.TensorProto.FLOAT16)
    assert stored.data_location == onnx.TensorProto.EXTERNAL
    place = {entry.key: entry.value for entry in stored.external_data}
    assert place["location"] == "model.safetensors"
    contents = (tmp_path / "model.safetensors").read_bytes()
    start, length = int(place["offset"]), int(place["length"])
    assert contents[start : start + length] == np.ones((2, 3), dtype=np.float16).tobytes()


def test_a_weight_used_twice_is_stored_and_cast_once(graph: GraphWriter) -> None:
    assert graph.weight("w", 2, 3) == graph.weight("w", 2, 3)
    model = parsed(graph, "v0")
    assert (len(model.graph.initializer), len(model.graph.node)) == (1, 2)


@settings(deadline=None)  # the disk may be slow
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4))
def test_any_integers_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[int]
) -> None:
    graph = empty_graph(tmp_path_factory.mktemp("graph"))
    name = graph.integers(*values)
    attribute: Attribute = tuple(values)
    node = graph.node("Nothing", name, many=attribute, one=len(values), real=0.5, word="wörd")
    model = parsed(graph, node)
    assert onnx.numpy_helper.to_array(model.graph.initializer[0]).tolist() == values
    found = {
        item.name: onnx.helper.get_attribute_value(item) for item in model.graph.node[0].attribute
    }
    assert found == {"many": values, "one": len(values), "real": 0.5, "word": "wörd".encode()}


def test_a_weight_that_is_not_there_says_so(graph: GraphWriter, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        graph.weight("v", 4)
    assert str(caught.value) == (
        f"{tmp_path / 'model.safetensors'} lacks v (shape [4]): its weights do not belong to its "
        "spec"
    )


def test_whole_numbers_are_no_weights(graph: GraphWriter, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        graph.weight("count")
    assert str(caught.value) == (
        f"{tmp_path / 'model.safetensors'} has count as I64 of shape [] where its spec asks for "
        "floats of shape []: its weights do not belong to its spec"
    )
