"""A small repository of the hub, with files that a checkpoint needs and others that it does not."""

import msgspec

from sightline.hub import Entry, Repository, resolve
from sightline.hub.catalog import HubFiles, WebFile

WEIGHTS = bytes(range(256)) * 1200
FILES = {
    "config.json": b'{"model_type": "clip"}',
    "model.safetensors": WEIGHTS,
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"a pickle",
    "flax_model.msgpack": b"flax",
    "onnx/model.onnx": b"onnx",
    "README.md": b"# card",
}
WANTED = ("README.md", "config.json", "model.safetensors", "tokenizer.json")
MODEL = Repository(name="org/model")
PAGE = "https://huggingface.co/org/model"


def listed_as(hub_files: HubFiles | WebFile, **other: object) -> Entry:
    """Return an entry of the catalog's kind."""
    known = resolve("ViT-B-32/openai")
    assert isinstance(known, Entry)
    plain = {"name": "Tiny/test", "aliases": (), "layout": "huggingface", "source": hub_files}
    return msgspec.structs.replace(known, **(plain | other))
