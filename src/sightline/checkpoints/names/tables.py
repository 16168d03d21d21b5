"""The published layouts' tensor names, as data. Enter at `NAME_TABLES`.

Sources: transformers 5.23 `models/clip` and `models/siglip`; openai/CLIP `clip/model.py`;
open_clip_torch 3.3.0 `model.py`, `transformer.py`, `timm_model.py`; timm 1.0.31
`models/vision_transformer.py` and `layers/attention_pool.py`.
"""

from collections.abc import Mapping
from typing import TypeAlias

from sightline.checkpoints.names.table import NameTable, Row, row, under

Rows: TypeAlias = tuple[Row, ...]

# Hugging Face -------------------------------------------------------------------------------------
_HF_BLOCK = (
    row("layer_norm1.*", "attention_norm.*"),
    row("layer_norm2.*", "mlp_norm.*"),
    row("self_attn.q_proj.*", "attention.query.*"),
    row("self_attn.k_proj.*", "attention.key.*"),
    row("self_attn.v_proj.*", "attention.value.*"),
    row("self_attn.out_proj.*", "attention.out.*"),
    row("mlp.fc1.*", "mlp.up.*"),
    row("mlp.fc2.*", "mlp.down.*"),
)
_HF_IMAGE = (
    row("vision_model.embeddings.patch_embedding.*", "image.stem.conv.*"),
    row("vision_model.embeddings.position_embedding.weight", "image.positions"),
    *under("vision_model.encoder.layers.{}.", "image.blocks.{}.", _HF_BLOCK),
    row("vision_model.post_layernorm.*", "image.final_norm.*"),
)
_HF_TEXT = (
    row("text_model.embeddings.token_embedding.weight", "text.tokens.weight"),
    row("text_model.embeddings.position_embedding.weight", "text.positions"),
    *under("text_model.encoder.layers.{}.", "text.blocks.{}.", _HF_BLOCK),
    row("text_model.final_layer_norm.*", "text.final_norm.*"),
)
_HF_POSITION_IDS = (
    "vision_model.embeddings.position_ids",
    "text_model.embeddings.position_ids",
)

# OpenAI and OpenCLIP ------------------------------------------------------------------------------
_QUERY_KEY_VALUE = ("query.", "key.", "value.")


def _fused(theirs: str, ours: str, *kinds: str) -> tuple[Row, ...]:
    """Write rows for projections of theirs that hold query, key and value below one another."""
    return tuple(
        Row(f"{theirs}{kind}", tuple(f"{ours}{part}{kind}" for part in _QUERY_KEY_VALUE))
        for kind in kinds
    )


_OPENAI_BLOCK = (
    row("ln_1.*", "attention_norm.*"),
    row("ln_2.*", "mlp_norm.*"),
    *_fused("attn.in_proj_", "attention.", "weight", "bias"),
    row("attn.out_proj.*", "attention.out.*"),
    row("mlp.c_fc.*", "mlp.up.*"),
    row("mlp.c_proj.*", "mlp.down.*"),
)
_OPENAI_VIT = (
    row("visual.conv1.*", "image.stem.conv.*"),
    row("visual.class_embedding", "image.class_token"),
    row("visual.positional_embedding", "image.positions"),
    row("visual.ln_pre.*", "image.pre_norm.*"),
    *under("visual.transformer.resblocks.{}.", "image.blocks.{}.", _OPENAI_BLOCK),
    row("visual.ln_post.*", "image.final_norm.*"),
    row("visual.proj", "image.projection.weight", turned=True),
)
_BOTTLENECK = (
    row("conv{}.*", "conv{}.*"),
    row("bn{}.*", "bn{}.*"),
    row("downsample.0.*", "skip.conv.*"),
    row("downsample.1.*", "skip.bn.*"),
)
_OPENAI_RESNET = (
    row("visual.conv{}.*", "image.stem.conv{}.*"),
    row("visual.bn{}.*", "image.stem.bn{}.*"),
    *under("visual.layer1.{}.", "image.stages.0.{}.", _BOTTLENECK),
    *under("visual.layer2.{}.", "image.stages.1.{}.", _BOTTLENECK),
    *under("visual.layer3.{}.", "image.stages.2.{}.", _BOTTLENECK),
    *under("visual.layer4.{}.", "image.stages.3.{}.", _BOTTLENECK),
    row("visual.attnpool.positional_embedding", "image.pool.positions"),
    row("visual.attnpool.q_proj.*", "image.pool.attention.query.*"),
    row("visual.attnpool.k_proj.*", "image.pool.attention.key.*"),
    row("visual.attnpool.v_proj.*", "image.pool.attention.value.*"),
    row("visual.attnpool.c_proj.*", "image.pool.attention.out.*"),
)
_TEXT = (
    row("token_embedding.weight", "text.tokens.weight"),
    row("positional_embedding", "text.positions"),
    *under("transformer.resblocks.{}.", "text.blocks.{}.", _OPENAI_BLOCK),
    row("ln_final.*", "text.final_norm.*"),
)
_MATRIX = (row("text_projection", "text.projection.weight", turned=True),)
_LINEAR = (row("text_projection.*", "text.projection.*"),)  # what it becomes where it has a bias
_TIMM_SIGLIP = (
    row("visual.trunk.patch_embed.proj.*", "image.stem.conv.*"),
    row("visual.trunk.pos_embed", "image.positions", lead=1),
    *under(
        "visual.trunk.blocks.{}.",
        "image.blocks.{}.",
        (
            row("norm1.*", "attention_norm.*"),
            row("norm2.*", "mlp_norm.*"),
            *_fused("attn.qkv.", "attention.", "weight", "bias"),
            row("attn.proj.*", "attention.out.*"),
            row("mlp.fc1.*", "mlp.up.*"),
            row("mlp.fc2.*", "mlp.down.*"),
        ),
    ),
    row("visual.trunk.norm.*", "image.final_norm.*"),
    row("visual.trunk.attn_pool.latent", "image.pool.probe", lead=2),
    row("visual.trunk.attn_pool.q.*", "image.pool.attention.query.*"),
    row(
        "visual.trunk.attn_pool.kv.*", "image.pool.attention.key.*", "image.pool.attention.value.*"
    ),
    row("visual.trunk.attn_pool.proj.*", "image.pool.attention.out.*"),
    row("visual.trunk.attn_pool.norm.*", "image.pool.norm.*"),
    row("visual.trunk.attn_pool.mlp.fc1.*", "image.pool.mlp.up.*"),
    row("visual.trunk.attn_pool.mlp.fc2.*", "image.pool.mlp.down.*"),
)
_OPENAI_BUFFERS = ("input_resolution", "context_length", "vocab_size", "attn_mask")
_HEAD = (row("logit_scale", "logit_scale"), row("logit_bias", "logit_bias"))


def _apart(title: str, image: Rows, projection: Rows) -> NameTable:
    """Write a table of OpenCLIP's CustomTextCLIP, whose text tower is a module of its own."""
    return NameTable(
        title=f"OpenCLIP's ({title})",
        rows=(*image, *under("text.", "", (*_TEXT, *projection)), *_HEAD),
        may_drop=("text.attn_mask",),
    )


def _joined(title: str, image: Rows, projection: Rows) -> NameTable:
    """Write a table of OpenCLIP's CLIP, whose text tower's parts stand among the model's."""
    return NameTable(
        title=f"OpenCLIP's ({title})",
        rows=(*image, *_TEXT, *projection, *_HEAD),
        may_drop=("attn_mask",),
    )


# A file may be read by several: the first is then taken.
NAME_TABLES: Mapping[str, NameTable] = {
    "openai": NameTable(
        title="OpenAI's and OpenCLIP's",
        rows=(*_OPENAI_VIT, *_TEXT, *_MATRIX, *_HEAD),
        may_drop=_OPENAI_BUFFERS,
    ),
    "openai-resnet": NameTable(
        title="OpenAI's and OpenCLIP's (ResNet)",
        rows=(*_OPENAI_RESNET, *_TEXT, *_MATRIX, *_HEAD),
        may_drop=_OPENAI_BUFFERS,
    ),
    "openclip": _apart("text tower apart", _OPENAI_VIT, _MATRIX),
    "openclip-resnet": _apart("ResNet, text tower apart", _OPENAI_RESNET, _MATRIX),
    "openclip-timm-matrix": _apart("image tower of timm, text tower apart", _TIMM_SIGLIP, _MATRIX),
    "openclip-bias": _apart("text tower apart, its projection with a bias", _OPENAI_VIT, _LINEAR),
    "openclip-resnet-bias": _apart(
        "ResNet, text tower apart, its projection with a bias", _OPENAI_RESNET, _LINEAR
    ),
    "openclip-timm": _apart(
        "image tower of timm, text tower apart, its projection with a bias", _TIMM_SIGLIP, _LINEAR
    ),
    "openclip-joined-timm": _joined("image tower of timm", _TIMM_SIGLIP, _MATRIX),
    "openclip-joined-bias": _joined("text projection with a bias", _OPENAI_VIT, _LINEAR),
    "openclip-joined-resnet-bias": _joined(
        "ResNet, text projection with a bias", _OPENAI_RESNET, _LINEAR
    ),
    "openclip-joined-timm-bias": _joined(
        "image tower of timm, text projection with a bias", _TIMM_SIGLIP, _LINEAR
    ),
    "huggingface-clip": NameTable(
        title="Hugging Face's CLIP",
        rows=(
            row("vision_model.embeddings.class_embedding", "image.class_token"),
            row("vision_model.pre_layrnorm.*", "image.pre_norm.*"),  # their spelling
            *_HF_IMAGE,
            row("visual_projection.weight", "image.projection.weight"),
            *_HF_TEXT,
            row("text_projection.weight", "text.projection.weight"),
            row("logit_scale", "logit_scale"),
        ),
        may_drop=_HF_POSITION_IDS,
    ),
    "huggingface-siglip": NameTable(
        title="Hugging Face's SigLIP",
        rows=(
            *_HF_IMAGE,
            row("vision_model.head.probe", "image.pool.probe", lead=2),
            *_fused(
                "vision_model.head.attention.in_proj_", "image.pool.attention.", "weight", "bias"
            ),
            row("vision_model.head.attention.out_proj.*", "image.pool.attention.out.*"),
            row("vision_model.head.layernorm.*", "image.pool.norm.*"),
            row("vision_model.head.mlp.fc1.*", "image.pool.mlp.up.*"),
            row("vision_model.head.mlp.fc2.*", "image.pool.mlp.down.*"),
            *_HF_TEXT,
            row("text_model.head.*", "text.projection.*"),
            row("logit_scale", "logit_scale", lead=1),
            row("logit_bias", "logit_bias", lead=1),
        ),
        may_drop=_HF_POSITION_IDS,
    ),
}
