"""Folders that transformers writes itself, and what it says of them: `parity_process.py` runs this.

Enter at `CASES`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
    GemmaTokenizer,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from parity_reference import (
    PLAIN,
    WRITTEN,
    Batch,
    Make,
    Opened,
    Stages,
    Watch,
    array,
    draw,
    pictures,
    watching,
)
from reference_tokenizer import reference

BLOCKS = (
    Watch("vision_model.encoder.layers.0", "image tokens", taken=True),
    Watch("vision_model.encoder.layers.{}", "image block {}"),
    Watch("text_model.encoder.layers.0", "text tokens", taken=True),
    Watch("text_model.encoder.layers.{}", "text block {}"),
)
CLIP_WATCHES = (
    *BLOCKS,
    Watch("visual_projection", "image pooled", taken=True),
    Watch("visual_projection", "image projected"),
    Watch("text_projection", "text pooled", taken=True),
    Watch("text_projection", "text projected"),
)
SIGLIP_WATCHES = (
    *BLOCKS,
    Watch("vision_model.head", "image pooled"),
    Watch("vision_model.head", "image projected"),
    Watch("text_model.head", "text pooled", taken=True),
    Watch("text_model.head", "text projected"),
)
SMALL: Mapping[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}
SMALL_TEXT = {**SMALL, "intermediate_size": 64, "max_position_embeddings": 16}
SMALL_IMAGE = {**SMALL, "intermediate_size": 48, "image_size": 32, "patch_size": 8}


def clip_tokenizer(**marks: str) -> CLIPTokenizer:
    """Return CLIP's own vocabulary in transformers' class, out of OpenCLIP's copy."""
    theirs = reference()
    words = {word: number for word, number in theirs.encoder.items() if number < 49406}
    marked = words | {"<|startoftext|>": 49406, "<|endoftext|>": 49407}
    return CLIPTokenizer(vocab=marked, merges=list(theirs.bpe_ranks), **marks)


def unigram_tokenizer() -> Any:
    """Return a small vocabulary of SigLIP's kind: ends and pads with id 1, no start."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["a", "photo", "of", "cat", "two", "dog", "the", "quick", "cup", "coffee", "lazy"]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(f"▁{word}", -2.0 - number / 10) for number, word in enumerate(words)]
    pieces += [(letter, -8.0) for letter in "▁abcdefghijklmnopqrstuvwxyz"]
    made = Tokenizer(models.Unigram(pieces, unk_id=2))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=made, eos_token="</s>", pad_token="</s>", unk_token="<unk>")


def gemma_tokenizer() -> GemmaTokenizer:
    """Return a small vocabulary of SigLIP 2's kind: pads with 0, ends with 1, no start."""
    marks = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    letters = [*marks, "▁", *"abcdefghijklmnopqrstuvwxyz"]
    merges: Any = [
        ("▁", "a"),
        ("▁", "c"),
        ("▁c", "a"),
        ("▁ca", "t"),
        ("o", "f"),
        ("d", "o"),
        ("do", "g"),
    ]
    vocabulary = [*letters, *(left + right for left, right in merges)]
    return GemmaTokenizer(
        vocab={word: number for number, word in enumerate(vocabulary)},
        merges=merges,
        add_bos_token=False,
        add_eos_token=True,
        padding_side="right",
    )


def clip_model(
    *, text: Mapping[str, Any] = {}, image: Mapping[str, Any] = {}, embed_dim: int = 24
) -> CLIPModel:
    """Draw a CLIPModel; `text` and `image` are changes to a small one."""
    marks = {"vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407}
    config = CLIPConfig(
        text_config={**SMALL_TEXT, **marks, **text},
        vision_config={**SMALL_IMAGE, **image},
        projection_dim=embed_dim,
    )
    return CLIPModel(config)


def siglip_model(*, text: Mapping[str, Any], image: Mapping[str, Any] = {}) -> SiglipModel:
    """Draw a SiglipModel in the same way, its scale and bias as in the paper."""
    config = SiglipConfig(
        text_config={**SMALL_TEXT, "projection_size": 32, **text},
        vision_config={**SMALL_IMAGE, **image},
    )
    network = SiglipModel(config)
    network.logit_scale.data.fill_(2.3)
    network.logit_bias.data.fill_(-10.0)
    return network


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """How one class of transformers is written, opened and watched."""

    kind: Any
    watches: tuple[Watch, ...]
    texts: tuple[str, ...]
    tokenizer_class: str | None = None  # as published folders name it, where it is not written so


CLIP_FAMILY = Family(kind=CLIPModel, watches=CLIP_WATCHES, texts=WRITTEN)
SIGLIP_FAMILY = Family(
    kind=SiglipModel, watches=SIGLIP_WATCHES, texts=PLAIN, tokenizer_class="SiglipTokenizer"
)
SIGLIP2_FAMILY = Family(kind=SiglipModel, watches=SIGLIP_WATCHES, texts=PLAIN)


def written(
    family: Family,
    model: Callable[[], Any],
    tokenizer: Callable[[], Any],
    processor: Callable[[int], Any],
    folder: Path,
    *,
    stored: str = "float32",
) -> Opened:
    """Save model, tokenizer and processor with their own methods, and open them again.

    Args:
        family: The class.
        model: Makes the network.
        tokenizer: Makes the tokenizer.
        processor: Makes the image processor of a size.
        folder: Where.
        stored: The type of the tensors in the file.
    """
    network = model()
    draw(network)
    network.to(getattr(torch, stored)).save_pretrained(folder)
    words = tokenizer()
    words.save_pretrained(folder)
    if family.tokenizer_class is not None:
        path = folder / "tokenizer_config.json"
        said = msgspec.json.decode(path.read_bytes())
        path.write_bytes(msgspec.json.encode(said | {"tokenizer_class": family.tokenizer_class}))
    seen = processor(network.config.vision_config.image_size)
    seen.save_pretrained(folder)
    length = network.config.text_config.max_position_embeddings
    rows = words(
        list(family.texts),
        padding="max_length",
        truncation=True,
        max_length=length,
        return_tensors="np",
    )
    pixels = [seen(one, return_tensors="np")["pixel_values"] for one in pictures()]
    batch = Batch(np.concatenate(pixels), rows["input_ids"].astype(np.int64), family.texts)
    return Opened(batch=batch, stages=partial(stages, family, folder))


def stages(family: Family, folder: Path, precision: str, batch: Batch) -> Stages:
    """Open a folder as anyone would, and note all that it says of a batch."""
    network = family.kind.from_pretrained(folder, dtype=getattr(torch, precision)).eval()
    pixels, ids = batch.tensors(precision)
    with watching(network, family.watches) as found:
        said = network(input_ids=ids, pixel_values=pixels)
    return found | {"logits": array(said.logits_per_image / network.logit_scale.exp())}


def shortest(size_px: int, **changes: Any) -> CLIPImageProcessorPil:
    """Return CLIP's processor."""
    square = {"height": size_px, "width": size_px}
    return CLIPImageProcessorPil(size={"shortest_edge": size_px}, crop_size=square, **changes)


def squash(size_px: int) -> SiglipImageProcessorPil:
    """Return SigLIP's processor."""
    return SiglipImageProcessorPil(size={"height": size_px, "width": size_px}, resample=3)


def clip(model: Callable[[], Any], *, stored: str = "float32", pad: str = "!") -> Make:
    """Return what writes a CLIP."""
    tokenizer = partial(clip_tokenizer, pad_token=pad)
    return partial(written, CLIP_FAMILY, model, tokenizer, shortest, stored=stored)


IMAGENET: Mapping[str, Any] = {
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 2,
}
TANH = {"hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6}
SIGLIP = {"vocab_size": 64, "bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 1}

CASES: Mapping[str, Make] = {
    # As OpenAI's own conversions say it: the end id is 2, so the highest id is pooled.
    "CLIP": clip(partial(clip_model, text={"eos_token_id": 2}, embed_dim=32)),
    # As others say it: pads like the end, so the first end id is pooled; stored in half.
    "CLIP, first end id": clip(
        partial(clip_model, text={"hidden_act": "gelu"}, image={"hidden_act": "gelu"}),
        stored="bfloat16",
        pad="<|endoftext|>",
    ),
    "CLIP, tanh GELU": partial(
        written,
        CLIP_FAMILY,
        partial(clip_model, text=TANH, image={**TANH, "image_size": 40}),
        clip_tokenizer,
        partial(shortest, **IMAGENET),
        stored="float16",
    ),
    "SigLIP": partial(
        written, SIGLIP_FAMILY, partial(siglip_model, text=SIGLIP), unigram_tokenizer, squash
    ),
    # The config goes on naming 49407 and 1, as the published ones do.
    "SigLIP 2": partial(
        written,
        SIGLIP2_FAMILY,
        partial(siglip_model, text={**SIGLIP, "hidden_act": "gelu_pytorch_tanh"}),
        gemma_tokenizer,
        squash,
        stored="bfloat16",
    ),
}

L14_TEXT = {"hidden_size": 768, "intermediate_size": 3072, "max_position_embeddings": 77}
L14_TEXT |= {"num_hidden_layers": 12, "num_attention_heads": 12, "eos_token_id": 2}
L14_IMAGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}
L14_IMAGE |= {"num_attention_heads": 16, "image_size": 224, "patch_size": 14}
B16 = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
B16 |= {"num_attention_heads": 12}
B16_TEXT = {**B16, "max_position_embeddings": 64, "projection_size": 768, "vocab_size": 32000}
FULL: Mapping[str, Make] = {
    "ViT-L-14": clip(partial(clip_model, text=L14_TEXT, image=L14_IMAGE, embed_dim=768)),
    "SigLIP-B-16": partial(
        written,
        SIGLIP_FAMILY,
        partial(
            siglip_model,
            text=SIGLIP | B16_TEXT,
            image={**B16, "image_size": 224, "patch_size": 16},
        ),
        unigram_tokenizer,
        squash,
    ),
}
