"""OpenCLIP's models with a vocabulary of their own, in a tokenizer.json. Enter at `OTHER_WORDS`.

CLIPA (Li et al., arXiv 2305.07017) writes texts with BERT's words, and the models for all the
world's languages with mT5's or XLM-V's: MetaCLIP 2 is "worldwide" of H and bigG.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from sightline.spec.architectures.parts import (
    BIG_G,
    CLIP_PIXELS,
    CLIP_WORDS,
    H,
    L,
    Size,
    clip,
    clip_text,
    clip_vit,
    quick,
    squashed,
)
from sightline.spec.towers import Spec
from sightline.spec.words import TextRecipe

# OpenCLIP writes 0 over the end mark 102 ("strip_sep_token"): a pad like any other.
BERT_WORDS = replace(
    CLIP_WORDS,
    tokenizer="file",
    clean="whitespace",
    context_length=32,
    start_id=101,
    end_id=0,
    pad_id=0,
)
MT5_WORDS = replace(
    CLIP_WORDS, tokenizer="file", clean="canonical_space", start_id=None, end_id=1, pad_id=0
)
XLM_V_WORDS = replace(
    CLIP_WORDS, tokenizer="file", clean="whitespace", start_id=0, end_id=2, pad_id=1
)
CLIPA_PIXELS = replace(
    CLIP_PIXELS,
    resize="squash",
    filter="bilinear",
    mean=(0.485, 0.456, 0.406),  # ImageNet's
    std=(0.229, 0.224, 0.225),
)
VOCABULARIES: Mapping[TextRecipe, int] = {MT5_WORDS: 250_100, XLM_V_WORDS: 901_629}


def _clipa(size_px: int, size: Size, text_width: int, layers: int = 12) -> Spec:
    """Return a CLIPA: no norm before the blocks, the mean of the patches, texts seen whole."""
    image = replace(clip_vit(14, size_px, size), pre_norm=False, pool="mean")
    text = clip_text(text_width, layers)
    text = replace(text, vocab_size=32_000, causal=False, pool="last")
    return clip(image, text, text_width, BERT_WORDS, CLIPA_PIXELS)


def _worldwide(
    size_px: int, size: Size, text_width: int, layers: int, words: TextRecipe = XLM_V_WORDS
) -> Spec:
    """Return a CLIP for many languages, which pools at the first end mark."""
    text = clip_text(text_width, layers)
    text = replace(text, vocab_size=VOCABULARIES[words], pool="end_token")
    return clip(clip_vit(14, size_px, size), text, text_width, words)


_L_14 = _worldwide(224, L, 768, 12, MT5_WORDS)
_H_14 = _worldwide(224, H, 1024, 24)

OTHER_WORDS: Mapping[str, Spec] = {
    "ViT-L-14-CLIPA": _clipa(224, L, 768),
    "ViT-L-14-CLIPA-336": _clipa(336, L, 768),
    "ViT-H-14-CLIPA": _clipa(224, H, 1024, 24),
    "ViT-H-14-CLIPA-336": _clipa(336, H, 1024, 24),
    "ViT-bigG-14-CLIPA": _clipa(224, BIG_G, 1280, 32),
    "ViT-bigG-14-CLIPA-336": _clipa(336, BIG_G, 1280, 32),
    "ViT-L-14-worldwide": _L_14,
    "ViT-L-14-worldwide-quickgelu": quick(_L_14),
    "ViT-H-14-worldwide": _H_14,
    "ViT-H-14-worldwide-quickgelu": quick(_H_14),
    "ViT-H-14-worldwide-378": squashed(_worldwide(378, H, 1024, 24)),
    "ViT-bigG-14-worldwide": _worldwide(224, BIG_G, 1280, 32),
    "ViT-bigG-14-worldwide-378": squashed(_worldwide(378, BIG_G, 1280, 32)),
}
