"""CLIP's tokenizer as libraries and people write it. Enter at `write_clip_tokenizer`."""

from pathlib import Path
from typing import Any

import msgspec

from sightline.checkpoints.tokenizer_files import tokenizer_files
from sightline.spec.architectures import CLIP_WORDS

START, END = "<|startoftext|>", "<|endoftext|>"
ROBERTA = {
    "type": "RobertaProcessing",
    "sep": [END, 49407],
    "cls": [START, 49406],
    "trim_offsets": False,
    "add_prefix_space": False,
}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
SPLIT = {
    "type": "Split",
    "pattern": {"Regex": r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"},
    "behavior": "Removed",
    "invert": True,
}
# What transformers 4 wrote: `CLIPConverter` of its `convert_slow_tokenizer.py`
FOUR = {
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [SPLIT, BYTES]},
    "post_processor": ROBERTA,
}
BEFORE_4_17 = {
    "pre_tokenizer": BYTES,
    "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False},
}


def word(content: str, token_id: int = 49408, **changes: Any) -> dict[str, Any]:
    """Return an added word as tokenizer.json lists it."""
    looked_for = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True}
    return {"id": token_id, "content": content, **looked_for, "special": False} | changes


def write_clip_tokenizer(
    folder: Path,
    *added: dict[str, Any],
    config: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """Write CLIP's tokenizer.json and its config with words added, and keys of both changed."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, contents in tokenizer_files(CLIP_WORDS, None).items():
        said = msgspec.json.decode(contents)
        if name == "tokenizer.json":
            said |= {"added_tokens": [*said["added_tokens"], *added], **changes}
            said["model"] |= model or {}
        else:
            said |= config or {}
        (folder / name).write_bytes(msgspec.json.encode(said))
    return folder


def write_two_files(folder: Path, **config: Any) -> Path:
    """Write vocab.json and merges.txt, as before there was a tokenizer.json."""
    whole = msgspec.json.decode((write_clip_tokenizer(folder) / "tokenizer.json").read_bytes())
    model = whole["model"]
    (folder / "tokenizer.json").unlink()
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    said = {"tokenizer_class": "CLIPTokenizer"} | config
    (folder / "vocab.json").write_bytes(msgspec.json.encode(model["vocab"]))
    (folder / "tokenizer_config.json").write_bytes(msgspec.json.encode(said))
    return folder
