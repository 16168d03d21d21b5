"""The small files beside a model's weights: all that libraries open. Enter at `beside`."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from sightline.checkpoints import Record
from sightline.checkpoints.folder import CALIBRATION, MANIFEST
from sightline.checkpoints.json_file import read_bytes
from sightline.spec import Spec

# One that was not there when a model was written makes as much another model as one that changed.
# transformers 5.23 configuration_utils.py, image_processing_base.py, tokenization_utils_base.py,
# and adapters of peft; open_clip 3.3 factory.py.
OPENED = (
    MANIFEST,
    CALIBRATION,
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "tokenizer.model",
    "adapter_config.json",
    "open_clip_config.json",
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
)
CARD = "README.md"  # people may edit it

_TOWERS = frozenset({"image", "text", "head", "embed_dim"})
_WORDS = frozenset({"words"})
_ALL = frozenset(Spec.__struct_fields__)
# Layout → file → what it says of the spec and of the record: where a field of that is wrong, the
# field is named and not the file.
SAYS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "sightline": {MANIFEST: _ALL | frozenset(Record.__struct_fields__)},
    "huggingface": {
        "config.json": _TOWERS | _WORDS,
        "preprocessor_config.json": frozenset({"pixels"}),
        "processor_config.json": frozenset({"pixels"}),
        "tokenizer.json": _WORDS,
        "tokenizer_config.json": _WORDS,
        "special_tokens_map.json": _WORDS,
    },
    "openclip": {
        "open_clip_config.json": _ALL,
        "tokenizer.json": _WORDS,
        "tokenizer_config.json": _WORDS,
        "special_tokens_map.json": _WORDS,
    },
    "openai": {},
}


def beside(folder: Path) -> dict[str, str]:
    """Return name → sha256 of each small file of a model folder.

    Raises:
        CheckpointError: One cannot be read, or is no small file.
    """
    there = (name for name in (*OPENED, CARD) if (folder / name).is_file())
    return {name: sha256(read_bytes(folder / name)).hexdigest() for name in there}
