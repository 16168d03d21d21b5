"""The keys of OpenCLIP's open_clip_config.json. Enter at `OpenClip`.

A key that a config lacks has the default of open_clip_torch 3.3.0 `model.py` (`CLIPVisionCfg`,
`CLIPTextCfg`) and `transform.py` (`PreprocessCfg`), which a test compares. A `Literal` is what is
read here of a key; a key that is not here is refused by name, and so are the parts in `UNREADABLE`.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from sightline.errors import SpecError

No = Literal[False]


class _Tower(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both towers have."""

    ls_init_value: float | None = None
    output_tokens: bool = False  # of no use to a vector
    act_kwargs: dict[str, Any] | None = None
    norm_kwargs: dict[str, float] | None = None
    block_type: Literal["default"] | None = None
    qk_norm: No = False
    scaled_cosine_attn: No = False
    scale_heads: No = False
    scale_attn_inner: No = False
    scale_attn: No = False
    scale_fc: No = False


class Vision(_Tower, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """CLIPVisionCfg."""

    layers: int | tuple[int, int, int, int] = 12
    width: int = 768
    head_width: int = 64
    mlp_ratio: float = 4.0
    patch_size: int | tuple[int, int] | None = 16
    image_size: int | tuple[int, int] = 224
    patch_dropout: float = 0.0  # while training
    attentional_pool: bool | str = False
    attn_pooler_queries: int = 256  # without an attentional pool of no use
    attn_pooler_heads: int = 8
    no_ln_pre: bool = False
    # Of the second, too, the numbers are a tensor of the file.
    pos_embed_type: Literal["learnable", "sin_cos_2d"] = "learnable"
    final_ln_after_pool: bool = False
    pool_type: Literal["tok", "avg"] = "tok"
    timm_model_name: str | None = None
    timm_model_pretrained: bool = False  # where training began
    timm_pool: str = "avg"
    timm_proj: str | None = "linear"
    timm_proj_bias: bool = False
    timm_drop: float = 0.0  # while training
    timm_drop_path: float | None = None


class Text(_Tower, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """CLIPTextCfg."""

    context_length: int = 77
    vocab_size: int = 49408
    hf_tokenizer_name: str | None = None
    tokenizer_mode: None = None
    tokenizer_kwargs: dict[str, Any] | None = None
    width: int = 512
    heads: int = 8
    layers: int = 12
    mlp_ratio: float = 4.0
    embed_cls: bool = False
    pad_id: int = 0  # only for a class token, which is not read here
    eos_id: int = 2  # only where pool_type is "eos"
    no_causal_mask: bool = False
    final_ln_after_pool: No = False
    pool_type: Literal["argmax", "eos", "last", "first"] = "argmax"
    proj_bias: bool = False
    proj_type: Literal["linear", "none"] = "linear"
    hf_model_name: str | None = None
    hf_model_pretrained: bool = True  # without a text tower of transformers of no use
    hf_proj_type: str | None = "mlp"
    hf_pooler_type: str = "mean_pooler"


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The arguments of OpenCLIP's CLIP and CustomTextCLIP."""

    embed_dim: int
    vision_cfg: Vision
    text_cfg: Text
    quick_gelu: bool = False
    init_logit_scale: float | None = None
    init_logit_bias: float | None = None
    nonscalar_logit_scale: bool = False  # one number in a list of one
    custom_text: bool = False
    multimodal_cfg: dict[str, Any] | None = None


class Preprocess(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PreprocessCfg; the size is the tower's."""

    size: int | tuple[int, ...] | None = None
    mode: Literal["RGB"] = "RGB"
    mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    resize_mode: Literal["shortest", "squash", "longest"] = "shortest"
    fill_color: Literal[0] = 0


class OpenClip(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    model_cfg: Model
    preprocess_cfg: Preprocess | None = None  # None: as if every key were left out


# Where a config names a part that a spec cannot say: the path to its key, the value without such a
# part, and what to tell whoever has it.
UNREADABLE: tuple[tuple[str, object, str], ...] = (
    ("multimodal_cfg", None, "it has a decoder that writes captions (CoCa)"),
    ("text_cfg.hf_model_name", None, "its text tower is transformers' {}"),
    ("vision_cfg.attentional_pool", False, "its image tower pools by CoCa's attention"),
    ("vision_cfg.ls_init_value", None, "its image tower has layer scales"),
    ("text_cfg.ls_init_value", None, "its text tower has layer scales"),
    ("text_cfg.embed_cls", False, "its text tower has a class token"),
)


def refuse_unreadable(document: Mapping[str, Any]) -> None:
    """Refuse what no spec can say, by its name, before the keys beside it are found unknown.

    Args:
        document: The whole file, as it was decoded.

    Raises:
        SpecError: Names the part.
    """
    for path, absent, reason in UNREADABLE:
        value: Any = document
        for key in ("model_cfg", *path.split(".")):
            value = value.get(key, absent) if isinstance(value, Mapping) else absent
        if value != absent:
            shown = str(value)[:99] if isinstance(value, str) else type(value).__name__
            raise SpecError(f"{reason.format(shown)}, which is not read here")
