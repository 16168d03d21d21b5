"""OpenCLIP's names of models that no spec can say, and why. Enter at `REFUSED`."""

from collections.abc import Mapping

COCA = "it has a decoder that writes captions (CoCa)"


def _timm(tower: str) -> str:
    return f"its image tower is timm's {tower!r}"


def _text(tower: str) -> str:
    return f"its text tower is transformers' {tower}"


REFUSED: Mapping[str, str] = {
    "EVA01-g-14-plus": _timm("eva_giant_patch14_224"),
    "EVA01-g-14": _timm("eva_giant_patch14_224"),
    "EVA02-B-16": _timm("eva02_base_patch16_clip_224"),
    "EVA02-E-14-plus": _timm("eva02_enormous_patch14_clip_224"),
    "EVA02-E-14": _timm("eva02_enormous_patch14_clip_224"),
    "EVA02-L-14-336": _timm("eva02_large_patch14_clip_336"),
    "EVA02-L-14": _timm("eva02_large_patch14_clip_224"),
    "MobileCLIP-B": _timm("vit_base_mci_224"),
    "MobileCLIP-S1": _timm("fastvit_mci1"),
    "MobileCLIP-S2": _timm("fastvit_mci2"),
    "MobileCLIP2-B": _timm("vit_base_mci_224"),
    "MobileCLIP2-L-14": _timm("vit_large_patch14_clip_224"),
    "MobileCLIP2-S0": _timm("fastvit_mci0"),
    "MobileCLIP2-S2": _timm("fastvit_mci2"),
    "MobileCLIP2-S3": _timm("fastvit_mci3"),
    "MobileCLIP2-S4": _timm("fastvit_mci4"),
    "PE-Core-B-16": _timm("vit_pe_core_base_patch16_224"),
    "PE-Core-L-14-336": _timm("vit_pe_core_large_patch14_336"),
    "PE-Core-S-16-384": _timm("vit_pe_core_small_patch16_384"),
    "PE-Core-T-16-384": _timm("vit_pe_core_tiny_patch16_384"),
    "PE-Core-bigG-14-448": _timm("vit_pe_core_gigantic_patch14_448"),
    "ViT-M-16-alt": "its image tower has layer scales",
    "ViTamin-B-LTT": _timm("vitamin_base_224"),
    "ViTamin-B": _timm("vitamin_base_224"),
    "ViTamin-L-256": _timm("vitamin_large_256"),
    "ViTamin-L-336": _timm("vitamin_large_336"),
    "ViTamin-L-384": _timm("vitamin_large_384"),
    "ViTamin-L": _timm("vitamin_large_224"),
    "ViTamin-L2-256": _timm("vitamin_large2_256"),
    "ViTamin-L2-336": _timm("vitamin_large2_336"),
    "ViTamin-L2-384": _timm("vitamin_large2_384"),
    "ViTamin-L2": _timm("vitamin_large2_224"),
    "ViTamin-S-LTT": _timm("vitamin_small_224"),
    "ViTamin-S": _timm("vitamin_small_224"),
    "ViTamin-XL-256": _timm("vitamin_xlarge_256"),
    "ViTamin-XL-336": _timm("vitamin_xlarge_336"),
    "ViTamin-XL-384": _timm("vitamin_xlarge_384"),
    "coca_ViT-B-32": COCA,
    "coca_ViT-L-14": COCA,
    "coca_base": COCA,
    "coca_roberta-ViT-B-32": COCA,
    "convnext_base": _timm("convnext_base"),
    "convnext_base_w": _timm("convnext_base"),
    "convnext_base_w_320": _timm("convnext_base"),
    "convnext_large": _timm("convnext_large"),
    "convnext_large_d": _timm("convnext_large"),
    "convnext_large_d_320": _timm("convnext_large"),
    "convnext_small": _timm("convnext_small"),
    "convnext_tiny": _timm("convnext_tiny"),
    "convnext_xlarge": _timm("convnext_xlarge"),
    "convnext_xxlarge": _timm("convnext_xxlarge"),
    "convnext_xxlarge_320": _timm("convnext_xxlarge"),
    "mt5-base-ViT-B-32": _text("google/mt5-base"),
    "mt5-xl-ViT-H-14": _text("google/mt5-xl"),
    "nllb-clip-base-siglip": _text("facebook/nllb-200-distilled-600M"),
    "nllb-clip-base": _text("facebook/nllb-200-distilled-600M"),
    "nllb-clip-large-siglip": _text("facebook/nllb-200-distilled-1.3B"),
    "nllb-clip-large": _text("facebook/nllb-200-distilled-1.3B"),
    "roberta-ViT-B-32": _text("roberta-base"),
    "swin_base_patch4_window7_224": _timm("swin_base_patch4_window7_224"),
    "vit_medium_patch16_gap_256": _timm("vit_medium_patch16_gap_256"),
    "vit_relpos_medium_patch16_cls_224": _timm("vit_relpos_medium_patch16_cls_224"),
    "xlm-roberta-base-ViT-B-32": _text("xlm-roberta-base"),
    "xlm-roberta-large-ViT-H-14": _text("xlm-roberta-large"),
}
