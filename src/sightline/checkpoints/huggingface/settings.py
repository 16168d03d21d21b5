"""A spec as the config.json of transformers' CLIP or SigLIP. Enter at `clip_settings`."""

from collections.abc import Mapping
from typing import Any

from sightline.checkpoints.huggingface.spec import ACTIVATIONS, LEGACY_END
from sightline.spec.towers import PatchStem, Spec, TextTransformer, ViT

# Of names that mean the same, the last is written.
NAMES: Mapping[str, str] = {ours: theirs for theirs, ours in ACTIVATIONS.items()}


def clip_settings(spec: Spec) -> dict[str, Any]:
    """Describe a CLIPModel; what it cannot say is lost, which whoever reads it again will see."""
    end_id = LEGACY_END if spec.text.pool == "highest_id" else spec.words.end_id
    projected = {"projection_dim": spec.embed_dim}
    return {
        "model_type": "clip",
        "architectures": ["CLIPModel"],
        **projected,
        "logit_scale_init_value": spec.head.logit_scale,
        "text_config": {
            "model_type": "clip_text_model",
            **_text(spec),
            "eos_token_id": end_id,
            **projected,
        },
        "vision_config": {"model_type": "clip_vision_model", **_vision(spec), **projected},
    }


def siglip_settings(spec: Spec) -> dict[str, Any]:
    """Describe a SiglipModel, in the same way."""
    return {
        "model_type": "siglip",
        "architectures": ["SiglipModel"],
        "text_config": {
            "model_type": "siglip_text_model",
            **_text(spec),
            "projection_size": spec.embed_dim,
        },
        "vision_config": {"model_type": "siglip_vision_model", **_vision(spec)},
    }


def _text(spec: Spec) -> dict[str, Any]:
    """Return the keys that the text configs of both share."""
    return {
        **_tower(spec.text),
        "vocab_size": spec.text.vocab_size,
        "max_position_embeddings": spec.words.context_length,
        "bos_token_id": spec.words.start_id,
        "eos_token_id": spec.words.end_id,
        "pad_token_id": spec.words.pad_id,
    }


def _vision(spec: Spec) -> dict[str, Any]:
    """Return the keys that the image configs of both share."""
    image = spec.image
    assert isinstance(image, ViT)
    assert isinstance(image.stem, PatchStem)
    return {**_tower(image), "image_size": image.size_px, "patch_size": image.stem.patch}


def _tower(tower: ViT | TextTransformer) -> dict[str, Any]:
    """Return the keys that image and text configs share."""
    return {
        "hidden_size": tower.width,
        "num_hidden_layers": tower.layers,
        "num_attention_heads": tower.heads,
        "intermediate_size": tower.mlp_width,
        "hidden_act": NAMES[tower.activation],
        "layer_norm_eps": tower.norm_eps,
    }
