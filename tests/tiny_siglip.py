"""A small SigLIP as transformers writes it, and what transformers says of it. Enter at `write`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipModel

from reference_weights import randomise

CONTEXT = 64
LABELS = ("Tabby_Cat", "it's a dog!", "boat")
# What SigLIP was trained on for these: its template, lower case, no punctuation, by hand.
TEXTS = (
    "this is a photo of tabbycat",
    "this is a photo of its a dog",
    "this is a photo of boat",
)
PROCESSOR = {
    "image_processor_type": "SiglipImageProcessor",
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "resample": 3,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def tokenizer() -> Tokenizer:
    """Spell letter by letter, with SigLIP's marks: id 1 ends a text and fills a row."""
    letters = [(letter, -1.0) for letter in "▁abcdefghijklmnopqrstuvwxyz0123456789"]
    made = Tokenizer(models.Unigram([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *letters], 2))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.add_special_tokens([AddedToken("</s>"), AddedToken("<unk>")])
    made.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return made


def write(folder: Path) -> SiglipModel:
    """Write a random model as a folder of transformers and return it."""
    shared = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}
    text = {"intermediate_size": 64, "vocab_size": 40, "max_position_embeddings": CONTEXT}
    image = {"intermediate_size": 48, "image_size": 32, "patch_size": 8}
    model = SiglipModel(SiglipConfig(text_config=shared | text, vision_config=shared | image))
    randomise(model)
    model.logit_scale.data.fill_(np.log(10.0))
    model.logit_bias.data.fill_(-2.0)
    model.save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    said = {"tokenizer_class": "SiglipTokenizer", "pad_token": "</s>", "eos_token": "</s>"}
    for name, document in (("tokenizer", said), ("preprocessor", PROCESSOR)):
        (folder / f"{name}_config.json").write_text(json.dumps(document), encoding="utf-8")
    return model


def ids(folder: Path, padding: str = "max_length") -> torch.Tensor:
    """Return the rows that transformers makes of the cleaned texts."""
    made: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(folder / "tokenizer.json"), pad_token="</s>", eos_token="</s>"
    )
    rows = made(list(TEXTS), padding=padding, max_length=CONTEXT, return_tensors="pt")
    return torch.as_tensor(rows["input_ids"])


def logits(model: SiglipModel, picture: np.ndarray, rows: torch.Tensor) -> torch.Tensor:
    """Return what transformers gives for one picture: resized by Pillow, then from -1 to 1."""
    square = np.asarray(Image.fromarray(picture).resize((32, 32), Image.Resampling.BICUBIC))
    pixels = torch.tensor(square.transpose(2, 0, 1) / 127.5 - 1, dtype=torch.float32)[None]
    with torch.inference_mode():
        said = model(input_ids=rows, pixel_values=pixels).logits_per_image
    return torch.as_tensor(said)
