"""OpenAI's and OpenCLIP's models over CLIP's own vocabulary. Enter at `CLIP`."""

from collections.abc import Mapping

from sightline.spec.architectures.parts import (
    B_PLUS,
    BIG_G,
    B,
    E,
    G,
    H,
    L,
    M,
    S,
    Size,
    clip,
    clip_text,
    clip_vit,
    quick,
    squashed,
)
from sightline.spec.towers import ResNet, Spec


def _resnet(width: int, size_px: int, layers: Size, text_width: int, embed_dim: int) -> Spec:
    """Return one of OpenAI's ResNets; `layers` are the blocks of its stages."""
    heads = width * 32 // 64
    image = ResNet(size_px=size_px, width=width, layers=layers, heads=heads, position_resized="no")
    return clip(image, clip_text(text_width), embed_dim)


def _vit(patch: int, size_px: int, size: Size, text_width: int, layers: int = 12) -> Spec:
    """Return a CLIP whose shared space is as wide as its text tower, of so many layers."""
    return clip(clip_vit(patch, size_px, size), clip_text(text_width, layers), text_width)


_RN50 = _resnet(64, 224, (3, 4, 6, 3), 512, 1024)
_RN101 = _resnet(64, 224, (3, 4, 23, 3), 512, 512)
_RN50X4 = _resnet(80, 288, (4, 6, 10, 6), 640, 640)
_RN50X16 = _resnet(96, 384, (6, 8, 18, 8), 768, 768)
_RN50X64 = _resnet(128, 448, (3, 15, 36, 10), 1024, 1024)
_B_32 = _vit(32, 224, B, 512)
_B_16 = _vit(16, 224, B, 512)
_L_14 = _vit(14, 224, L, 768)
_L_14_336 = _vit(14, 336, L, 768)
_H_14 = _vit(14, 224, H, 1024, 24)
_H_14_378 = squashed(_vit(14, 378, H, 1024, 24))  # as DFN's, the only weights of it
_BIG_G_14 = _vit(14, 224, BIG_G, 1280, 32)

CLIP: Mapping[str, Spec] = {
    "RN50": _RN50,
    "RN50-quickgelu": quick(_RN50),
    "RN101": _RN101,
    "RN101-quickgelu": quick(_RN101),
    "RN50x4": _RN50X4,
    "RN50x4-quickgelu": quick(_RN50X4),
    "RN50x16": _RN50X16,
    "RN50x16-quickgelu": quick(_RN50X16),
    "RN50x64": _RN50X64,
    "RN50x64-quickgelu": quick(_RN50X64),
    "ViT-S-32": _vit(32, 224, S, 384),
    "ViT-S-32-alt": _vit(32, 224, S, 256, 10),
    "ViT-S-16": _vit(16, 224, S, 384),
    "ViT-S-16-alt": _vit(16, 224, S, 256, 10),
    "ViT-M-32": _vit(32, 224, M, 512),
    "ViT-M-32-alt": _vit(32, 224, M, 384),
    "ViT-M-16": _vit(16, 224, M, 512),
    "ViT-B-32": _B_32,
    "ViT-B-32-quickgelu": quick(_B_32),
    "ViT-B-32-256": _vit(32, 256, B, 512),
    "ViT-B-32-plus-256": _vit(32, 256, B_PLUS, 640),
    "ViT-B-16": _B_16,
    "ViT-B-16-quickgelu": quick(_B_16),
    "ViT-B-16-plus": _vit(16, 224, B_PLUS, 640),
    "ViT-B-16-plus-240": _vit(16, 240, B_PLUS, 640),
    "ViT-L-16": _vit(16, 224, L, 768),
    "ViT-L-16-320": _vit(16, 320, L, 768),
    "ViT-L-14": _L_14,
    "ViT-L-14-quickgelu": quick(_L_14),
    "ViT-L-14-280": _vit(14, 280, L, 768),
    "ViT-L-14-336": _L_14_336,
    "ViT-L-14-336-quickgelu": quick(_L_14_336),
    "ViT-H-16": _vit(16, 224, H, 1024, 24),
    "ViT-H-14": _H_14,
    "ViT-H-14-quickgelu": quick(_H_14),
    "ViT-H-14-378": _H_14_378,
    "ViT-H-14-378-quickgelu": quick(_H_14_378),
    "ViT-g-14": _vit(14, 224, G, 1024, 24),
    "ViT-bigG-14": _BIG_G_14,
    "ViT-bigG-14-quickgelu": quick(_BIG_G_14),
    "ViT-e-14": _vit(14, 224, E, 1280, 36),
}
