"""The keys of transformers' config.json that decide something. Enter at `Clip` and `Siglip`.

A key that a config lacks has the value that its class gives it: the defaults are those of
transformers 5.23, `models/clip/configuration_clip.py` and `models/siglip/configuration_siglip.py`,
which a test compares. A `Literal` is the one value that is read here.
"""

from typing import Literal

import msgspec


class Tower(msgspec.Struct, frozen=True, kw_only=True):
    """What both towers of both families say."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    hidden_act: str
    layer_norm_eps: float


class ClipText(Tower, frozen=True, kw_only=True):
    """CLIPTextConfig."""

    hidden_size: int = 512
    intermediate_size: int = 2048
    num_hidden_layers: int = 12
    num_attention_heads: int = 8
    hidden_act: str = "quick_gelu"
    layer_norm_eps: float = 1e-5
    vocab_size: int = 49408
    max_position_embeddings: int = 77
    eos_token_id: int | tuple[int, ...] = 49407


class ClipVision(Tower, frozen=True, kw_only=True):
    """CLIPVisionConfig."""

    hidden_size: int = 768
    intermediate_size: int = 3072
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    hidden_act: str = "quick_gelu"
    layer_norm_eps: float = 1e-5
    image_size: int | tuple[int, ...] = 224
    patch_size: int | tuple[int, ...] = 32
    num_channels: Literal[3] = 3


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """CLIPConfig. What stands under `…_dict` wins where it is there, as it does in transformers."""

    text_config: ClipText | None = None
    vision_config: ClipVision | None = None
    text_config_dict: ClipText | None = None
    vision_config_dict: ClipVision | None = None
    projection_dim: int = 512
    logit_scale_init_value: float = 2.6592

    @property
    def text(self) -> ClipText:
        """What describes the text tower."""
        return self.text_config_dict or self.text_config or ClipText()

    @property
    def vision(self) -> ClipVision:
        """What describes the image tower."""
        return self.vision_config_dict or self.vision_config or ClipVision()


class SiglipText(Tower, frozen=True, kw_only=True):
    """SiglipTextConfig. Its ids are not read: SigLIP 2's are wrong."""

    hidden_size: int = 768
    intermediate_size: int = 3072
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    hidden_act: str = "gelu_pytorch_tanh"
    layer_norm_eps: float = 1e-6
    vocab_size: int = 32000
    max_position_embeddings: int = 64
    projection_size: int | None = None


class SiglipVision(Tower, frozen=True, kw_only=True):
    """SiglipVisionConfig."""

    hidden_size: int = 768
    intermediate_size: int = 3072
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    hidden_act: str = "gelu_pytorch_tanh"
    layer_norm_eps: float = 1e-6
    image_size: int | tuple[int, ...] = 224
    patch_size: int | tuple[int, ...] = 16
    num_channels: Literal[3] = 3
    vision_use_head: Literal[True] = True


class Siglip(msgspec.Struct, frozen=True, kw_only=True):
    """SiglipConfig."""

    text_config: SiglipText | None = None
    vision_config: SiglipVision | None = None

    @property
    def text(self) -> SiglipText:
        """What describes the text tower."""
        return self.text_config or SiglipText()

    @property
    def vision(self) -> SiglipVision:
        """What describes the image tower."""
        return self.vision_config or SiglipVision()
