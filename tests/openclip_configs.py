"""The configs that OpenCLIP ships, and what its tokenizers and weights say. Enter at `shipped`."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from sightline.checkpoints.openclip import OpenClip, openclip_spec, refuse_unreadable
from sightline.checkpoints.tokenizer_facts import TokenizerFacts
from sightline.spec.towers import Spec

# What `hf_tokenizer_name` begins with → start, end and pad id. SigLIP's are those of OpenCLIP's
# `SigLipTokenizer`, the others of the published vocabularies.
TOKENIZERS = {
    "bert-base-uncased": (101, 102, 0),
    "google/mt5-base": (None, 1, 0),
    "facebook/xlm-v-base": (0, 2, 1),
    "timm/ViT-B-32-SigLIP2": (None, 1, 0),
    "timm/ViT-B-16-SigLIP2": (None, 1, 0),
    "timm/ViT-L-16-SigLIP2": (None, 1, 0),
    "timm/ViT-SO400M-14-SigLIP2": (None, 1, 0),
    "timm/ViT-SO400M-16-SigLIP2": (None, 1, 0),
    "timm/ViT-gopt-16-SigLIP2": (None, 1, 0),
    "timm/": (None, 1, 1),
}


def shipped(open_clip: ModuleType) -> dict[str, dict[str, Any]]:
    """Return every config by its name."""
    folder = Path(str(open_clip.__file__)).with_name("model_configs")
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def described(
    config: dict[str, Any],
    tokenizer: TokenizerFacts | None = None,
    pixels: dict[str, Any] | None = None,
) -> Spec:
    """Return what our reader of folders says of a config."""
    document = {"model_cfg": config, "preprocess_cfg": pixels}
    refuse_unreadable(document)
    return openclip_spec(msgspec.convert(document, OpenClip), tokenizer)


def tokenizer_of(config: dict[str, Any]) -> TokenizerFacts | None:
    """Return what the files of the tokenizer say that a config names."""
    name = config["text_cfg"].get("hf_tokenizer_name")
    known = next((ids for start, ids in TOKENIZERS.items() if str(name).startswith(start)), None)
    if known is None:
        return None
    start_id, end_id, pad_id = known
    return TokenizerFacts(
        file=Path("tokenizer.json"),
        clip=False,
        kind=None,
        start_id=start_id,
        end_id=end_id,
        pad_id=pad_id,
        ids=1,
    )


def published_pixels(open_clip: ModuleType, name: str) -> dict[str, dict[str, Any]]:
    """Return what is done to pictures for each published weights of an architecture.

    Weights of another GELU are those of another name, unless there are no others.
    """
    said = {
        tag: open_clip.get_pretrained_cfg(name, tag)
        for tag in open_clip.list_pretrained_tags_by_model(name)
    }
    quick = name.endswith("-quickgelu")
    fitting = {tag: one for tag, one in said.items() if one.get("quick_gelu", False) == quick}
    keys = ("mean", "std", "interpolation", "resize_mode")
    return {tag: {key: one[key] for key in keys} for tag, one in (fitting or said).items()}
