"""Folders as OpenCLIP writes them, and what it says of them: `parity_process.py` runs this.

Enter at `CASES`.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import open_clip  # type: ignore[import-untyped]
from open_clip.model import set_model_preprocess_cfg  # type: ignore[import-untyped]
from open_clip.push_to_hf_hub import save_for_hf  # type: ignore[import-untyped]
from open_clip.transform import PreprocessCfg  # type: ignore[import-untyped]
from transformers import BertTokenizer

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
from parity_transformers import gemma_tokenizer

PRECISIONS = {"float32": "fp32", "bfloat16": "pure_bf16", "float16": "pure_fp16"}
VIT_WATCHES = (
    Watch("visual.transformer.resblocks.0", "image tokens", taken=True),
    Watch("visual.transformer.resblocks.{}", "image block {}"),
)
RESNET_WATCHES = (
    Watch("visual.avgpool", "image tokens"),
    *(Watch(f"visual.layer{stage + 1}", f"image block {stage}") for stage in range(4)),
)
TIMM_WATCHES = (
    Watch("visual.trunk.blocks.0", "image tokens", taken=True),
    Watch("visual.trunk.blocks.{}", "image block {}"),
)
TEXT_WATCHES = (
    *(Watch(f"{tower}transformer.resblocks.0", "text tokens", True) for tower in ("", "text.")),
    *(Watch(f"{tower}transformer.resblocks.{{}}", "text block {}") for tower in ("", "text.")),
)
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 2}
IMAGE: Mapping[str, Any] = {
    "image_size": 32,
    "layers": 2,
    "width": 32,
    "head_width": 8,
    "mlp_ratio": 1.5,
    "patch_size": 8,
}
TIMM: Mapping[str, Any] = {
    "image_size": 256,
    "timm_model_name": "vit_base_patch32_siglip_256",
    "timm_model_pretrained": False,
    "timm_pool": "map",
    "timm_proj": "none",
}
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


class NoFiles:
    """CLIP's own tokenizer, of which OpenCLIP's folders hold nothing."""

    def save_pretrained(self, folder: Path) -> None:
        """Write nothing."""


def bert_tokenizer() -> BertTokenizer:
    """Return a small vocabulary of CLIPA's kind: start and end marks, and pads with 0."""
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = ["a", "photo", "of", "cat", "two", "dogs", "the", "quick", "brown", "fox", "over"]
    words += ["lazy", "dog", "cup", "coffee", "it", "s", "here"]
    vocabulary = {word: number for number, word in enumerate([*marks, *words, ",", ".", "'"])}
    return BertTokenizer(vocab=vocabulary)


def written(
    model_config: Mapping[str, Any],
    pixels: Mapping[str, Any],
    watches: tuple[Watch, ...],
    tokenizer: Callable[[], Any],
    folder: Path,
    *,
    texts: tuple[str, ...] = WRITTEN,
    safe: bool = True,
) -> Opened:
    """Save a drawn network with OpenCLIP's own function, and open its folder again.

    Args:
        model_config: What its `model_cfg` says.
        pixels: What its `preprocess_cfg` says.
        watches: Where stages are seen.
        tokenizer: Makes what the folder brings along.
        folder: Where.
        texts: What is tokenized.
        safe: safetensors, or a torch archive.
    """
    options = deepcopy(dict(model_config))  # the constructors take keys out
    kind = open_clip.CustomTextCLIP if options.pop("custom_text", False) else open_clip.CLIP
    network = kind(**options)
    draw(network)
    seen = PreprocessCfg(size=network.visual.image_size, **pixels)
    set_model_preprocess_cfg(network, vars(seen))
    save_for_hf(network, tokenizer(), deepcopy(dict(model_config)), folder, safe)
    network, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    rows = open_clip.get_tokenizer(f"local-dir:{folder}")(list(texts))
    made = np.stack([preprocess(one).numpy() for one in pictures()])
    batch = Batch(made, rows.numpy(), texts)
    return Opened(batch=batch, stages=partial(stages, folder, (*watches, *TEXT_WATCHES)))


def stages(folder: Path, watches: tuple[Watch, ...], precision: str, batch: Batch) -> Stages:
    """Open a folder as anyone would, and note all that it says of a batch."""
    named = PRECISIONS[precision]
    network = open_clip.create_model(f"local-dir:{folder}", precision=named).eval()
    pixels, ids = batch.tensors(precision)
    with watching(network, watches) as found:
        image, text = network.encode_image(pixels), network.encode_text(ids)
    logits, _ = network.get_logits(pixels, ids)
    found |= {"image projected": array(image), "text projected": array(text)}
    found["logits"] = array(logits / network.logit_scale.exp())
    tower = getattr(network, "text", network)
    tower.text_projection = None
    found["text pooled"] = array(network.encode_text(ids))
    if hasattr(network.visual, "proj"):
        network.visual.proj = None
        found["image pooled"] = array(network.encode_image(pixels))
    if hasattr(network.visual, "trunk"):
        found["image pooled"] = array(image)
    return found


def vit(**changes: Any) -> dict[str, Any]:
    """Return a small model of OpenCLIP's own layers; `image` and `text` change their parts."""
    image, text = changes.pop("image", {}), changes.pop("text", {})
    return {"embed_dim": 32, "vision_cfg": {**IMAGE, **image}, "text_cfg": TEXT | text} | changes


EPS = {"norm_kwargs": {"eps": 1e-6}}
TANH = {"act_kwargs": {"approximate": "tanh"}, **EPS}
PADDED = {"no_causal_mask": True, "pool_type": "last"}
BERT = {"hf_tokenizer_name": "bert", "tokenizer_kwargs": {"strip_sep_token": True}}
GEMMA = {"hf_tokenizer_name": "gemma", "vocab_size": 64}
MEAN = {"no_ln_pre": True, "pool_type": "avg"}

CASES: Mapping[str, Make] = {
    "ViT": partial(written, vit(quick_gelu=True), {}, VIT_WATCHES, NoFiles, safe=False),
    "ViT, text apart": partial(
        written,
        vit(
            custom_text=True,
            text={"pool_type": "eos", "eos_id": 49407},
            image={"final_ln_after_pool": True, "pool_type": "avg"},
        ),
        {"resize_mode": "longest"},
        VIT_WATCHES,
        NoFiles,
    ),
    "ViT, mean pool": partial(
        written,
        vit(
            custom_text=True,
            init_logit_bias=-10.0,
            init_logit_scale=2.3,
            image=MEAN | TANH,
            text=PADDED | TANH | GEMMA | {"proj_bias": True},
        ),
        {"resize_mode": "squash", "mean": [0.5] * 3, "std": [0.5] * 3},
        VIT_WATCHES,
        gemma_tokenizer,
        texts=PLAIN,
    ),
    "CLIPA": partial(
        written,
        vit(image=MEAN | {"final_ln_after_pool": True}, text=PADDED | BERT | {"vocab_size": 64}),
        {"resize_mode": "squash", "interpolation": "bilinear", **IMAGENET},
        VIT_WATCHES,
        bert_tokenizer,
    ),
    "ModifiedResNet": partial(
        written,
        vit(
            image={"layers": [1, 2, 1, 1], "width": 8, "image_size": 64, "patch_size": None},
            text={"pool_type": "first", "no_causal_mask": True},
        ),
        {},
        RESNET_WATCHES,
        NoFiles,
    ),
}

FULL: Mapping[str, Make] = {
    "ViT-B-16": partial(written, open_clip.get_model_config("ViT-B-16"), {}, VIT_WATCHES, NoFiles),
    # A tower of timm's has its published size or none; the text tower may be small.
    "timm-SigLIP2-B-32": partial(
        written,
        vit(
            embed_dim=768,
            custom_text=True,
            init_logit_bias=-10.0,
            init_logit_scale=2.3,
            image={},
            text=PADDED | TANH | GEMMA | {"proj_bias": True, "width": 768, "heads": 12},
        )
        | {"vision_cfg": TIMM},
        {"resize_mode": "squash", "mean": [0.5] * 3, "std": [0.5] * 3},
        TIMM_WATCHES,
        gemma_tokenizer,
        texts=PLAIN,
    ),
    # Where its weights came from is said behind a full stop; the text's projection has no bias.
    "timm-SigLIP2-B-32, tagged": partial(
        written,
        vit(
            embed_dim=768,
            custom_text=True,
            text=PADDED | TANH | GEMMA | {"width": 768, "heads": 12},
        )
        | {"vision_cfg": {**TIMM, "timm_model_name": "vit_base_patch32_siglip_256.v2_webli"}},
        {"resize_mode": "squash", "mean": [0.5] * 3, "std": [0.5] * 3},
        TIMM_WATCHES,
        gemma_tokenizer,
        texts=PLAIN,
    ),
}
