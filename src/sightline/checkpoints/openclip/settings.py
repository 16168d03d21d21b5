"""A spec as OpenCLIP's config. Enter at `openclip_settings`."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from sightline.checkpoints.openai import openai_table
from sightline.checkpoints.openclip.spec import (
    IMAGE_POOLS,
    NORM_EPS,
    RESIZES,
    TEXT_POOLS,
    TIMM,
)
from sightline.errors import SpecError
from sightline.spec.architectures import ARCHITECTURES
from sightline.spec.clean import Cleaning
from sightline.spec.towers import ResNet, Sigmoid, Spec, TextTransformer, ViT

# `get_clean_fn` of open_clip tokenizer.py, the nearest to each of ours: whoever reads it again sees
# where it is another.
CLEANINGS: Mapping[Cleaning, str] = {
    "openai": "lower",
    "nfc_lower": "lower",
    "lower": "lower",
    "canonical_space": "canonicalize",
    "canonical_delete": "canonicalize",
    "whitespace": "whitespace",
    "none": "whitespace",
}


def openclip_settings(spec: Spec) -> dict[str, Any]:
    """Return the open_clip_config.json of a model, as far as one can say it.

    Raises:
        SpecError: It has a pool that such a config has no name for.
    """
    return {"model_cfg": _model(spec), "preprocess_cfg": _pixels(spec)}


# Kind of image tower, and whether the text's projection is a matrix without bias → table.
TABLES: Mapping[tuple[str, bool], str] = {
    ("timm", True): "openclip-timm-matrix",
    ("timm", False): "openclip-timm",
    ("resnet", False): "openclip-resnet-bias",
    ("vit", False): "openclip-bias",
}


def openclip_table(spec: Spec) -> str:
    """Return under which of OpenCLIP's names the tensors of a spec stand."""
    if not _custom(spec):
        return openai_table(spec)
    own = "resnet" if isinstance(spec.image, ResNet) else "vit"
    kind = own if _timm_name(spec) is None else "timm"
    return TABLES[kind, spec.text.projection == "matrix"]


def _custom(spec: Spec) -> bool:
    """Tell a model that OpenCLIP builds with its text tower apart."""
    return _timm_name(spec) is not None or spec.text.projection == "matrix_and_bias"


def _timm_name(spec: Spec) -> str | None:
    """Return timm's name of an image tower, where it is one of timm's."""
    # How positions came to their size is what no config of OpenCLIP says.
    image = msgspec.structs.replace(spec.image, position_resized="no")
    for name, architecture in TIMM.items():
        if ARCHITECTURES[architecture].image == image:
            return name
    return None


def _model(spec: Spec) -> dict[str, Any]:
    text, words = spec.text, spec.words
    quick = text.activation == "quick_gelu"
    said: dict[str, Any] = {"embed_dim": spec.embed_dim}
    said |= {"quick_gelu": True} if quick else {}
    said |= {"custom_text": True} if _custom(spec) else {}
    said["init_logit_scale"] = spec.head.logit_scale
    if isinstance(spec.head, Sigmoid):
        said["init_logit_bias"] = spec.head.logit_bias
    pools = {ours: theirs for theirs, ours in TEXT_POOLS.items()}
    if text.pool not in pools:
        raise SpecError(f"its config has no room for the text pool {text.pool!r}")
    said["vision_cfg"] = _vision(spec)
    said["text_cfg"] = {
        "context_length": words.context_length,
        "vocab_size": text.vocab_size,
        **_tower(text),
        "heads": text.heads,
        "no_causal_mask": not text.causal,
        "pool_type": pools[text.pool],
        "proj_bias": text.projection == "matrix_and_bias",
        "proj_type": "none" if text.projection == "none" else "linear",
        **_end(spec),
        **_tokenizer(spec),
    }
    return said


def _tower(tower: ViT | TextTransformer) -> dict[str, Any]:
    """Return the keys that both towers share, those with their default left out."""
    said: dict[str, Any] = {
        "width": tower.width,
        "layers": tower.layers,
        "mlp_ratio": _ratio(tower.mlp_width, tower.width),
    }
    if tower.norm_eps != NORM_EPS:
        said["norm_kwargs"] = {"eps": tower.norm_eps}
    if tower.activation == "gelu_tanh":
        said["act_kwargs"] = {"approximate": "tanh"}
    return said


def _ratio(mlp_width: int, width: int) -> float:
    """Return a ratio of which OpenCLIP's `int(width * mlp_ratio)` gives the width again."""
    ratio = mlp_width / width
    return ratio if int(width * ratio) == mlp_width else math.nextafter(ratio, math.inf)


def _vision(spec: Spec) -> dict[str, Any]:
    image, timm = spec.image, _timm_name(spec)
    if timm is not None:
        timm_keys = {"timm_model_name": timm, "timm_pool": "map", "timm_proj": "none"}
        return {"image_size": image.size_px, "timm_model_pretrained": False, **timm_keys}
    if isinstance(image, ResNet):
        return {
            "image_size": image.size_px,
            "layers": image.layers,
            "width": image.width,
            "head_width": image.width * 32 // image.heads,
            "patch_size": None,
        }
    pools = {ours: theirs for theirs, ours in IMAGE_POOLS.items()}
    if image.pool not in pools:
        raise SpecError(
            f"an image tower with the pool {image.pool!r} has to be one of timm's, and this one is "
            "none of those that are read here"
        )
    return {
        "image_size": image.size_px,
        "patch_size": image.stem.stride,
        **_tower(image),
        "head_width": image.width // image.heads,
        "no_ln_pre": not image.pre_norm,
        "pool_type": pools[image.pool],
        "final_ln_after_pool": image.pool == "mean" and image.final_norm == "after_pool",
    }


def _end(spec: Spec) -> dict[str, Any]:
    """Name the end id where the text is pooled at it."""
    return {"eos_id": spec.words.end_id} if spec.text.pool == "end_token" else {}


def _tokenizer(spec: Spec) -> dict[str, Any]:
    """Name the tokenizer: a folder's own is found beside its config, whatever the name."""
    clean = CLEANINGS[spec.words.clean]
    if spec.words.tokenizer == "clip":
        return {} if clean == "lower" else {"tokenizer_kwargs": {"clean": clean}}
    return {"hf_tokenizer_name": "tokenizer.json", "tokenizer_kwargs": {"clean": clean}}


def _pixels(spec: Spec) -> Mapping[str, Any]:
    modes = {ours: theirs for theirs, ours in RESIZES.items()}
    return {
        "mean": spec.pixels.mean,
        "std": spec.pixels.std,
        "interpolation": spec.pixels.filter,
        "resize_mode": modes[spec.pixels.resize],
    }
