import pytest

from hub_server import Hub
from sightline.hub import fetch, resolve

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

FILES = {
    "config.json": b'{"model_type": "clip"}',
    "model.safetensors": bytes(range(256)) * 1200,
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"a pickle",
    "flax_model.msgpack": b"flax",
    "onnx/model.onnx": b"onnx",
    "README.md": b"# card",
}


def test_a_repository_comes_with_the_files_that_a_checkpoint_needs_and_no_other(hub: Hub) -> None:
    commit = hub.publish("org/model", FILES)
    found = fetch(resolve("org/model"))
    assert (found.name, found.commit) == ("org/model", commit)
    assert found.files == ("config.json", "model.safetensors", "tokenizer.json")
    assert {path.name for path in found.path.iterdir()} == set(found.files)
    for name in found.files:
        assert (found.path / name).read_bytes() == FILES[name]
