"""Tiny models in files that their own libraries wrote. Enter at `write_hugging_face_clip`."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing

from reference_weights import randomise
from sightline.checkpoints.huggingface import processor_of
from sightline.checkpoints.tokenizer_files import tokenizer_files
from sightline.spec.architectures import CLIP_WORDS, architecture

# One head of 64 and an MLP four times as wide: so that OpenAI's code, too, can be this model.
TOWER = {
    "num_hidden_layers": 2,
    "num_attention_heads": 1,
    "hidden_size": 64,
    "intermediate_size": 256,
}
CLIP_TEXT = TOWER | {"vocab_size": 49408, "max_position_embeddings": 16}
IMAGE = TOWER | {"image_size": 32, "patch_size": 8}
WORDS = ["</s>", "<unk>", "▁a", "▁cat", "▁dog", "s", "c", "t", "▁", "d", "o", "g"]


def write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def write_hugging_face_clip(folder: Path, end_id: int = 49407, dtype: Any = None) -> Any:
    """Let transformers write a CLIP; its tokenizer and processor are those that we write."""
    from transformers import CLIPConfig, CLIPModel

    text = CLIP_TEXT | {"eos_token_id": end_id}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=IMAGE, projection_dim=24))
    randomise(model)
    model.to(dtype or torch.float32).save_pretrained(folder)  # type: ignore[arg-type]
    for name, contents in tokenizer_files(CLIP_WORDS, None).items():
        (folder / name).write_bytes(contents)
    pixels = processor_of(architecture("ViT-B-32").pixels)
    assert pixels is not None
    square = {"height": 32, "width": 32}
    write_json(
        folder / "preprocessor_config.json",
        pixels | {"size": {"shortest_edge": 32}, "crop_size": square},
    )
    return model


def write_hugging_face_siglip(folder: Path) -> Any:
    """Let transformers write a SigLIP whose config names the ids that SigLIP 2's names, wrongly."""
    from transformers import SiglipConfig, SiglipModel

    text = TOWER | {"vocab_size": 40, "max_position_embeddings": 12}
    text |= {"pad_token_id": 1, "bos_token_id": 38, "eos_token_id": 39}
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=IMAGE))
    randomise(model)
    model.save_pretrained(folder)
    write_siglip_tokenizer(folder)
    half = [0.5, 0.5, 0.5]
    write_json(
        folder / "preprocessor_config.json",
        {
            "image_processor_type": "SiglipImageProcessor",
            "size": {"height": 32, "width": 32},
            "resample": 3,
            "image_mean": half,
            "image_std": half,
        },
    )
    return model


def write_siglip_tokenizer(folder: Path, kind: str = "SiglipTokenizer") -> None:
    """Write a vocabulary of a dozen pieces that ends a text and pads with "</s>", id 0."""
    scores = [(word, -float(place)) for place, word in enumerate(WORDS)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=1, byte_fallback=False))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 0)])
    tokenizer.add_special_tokens(["</s>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    said = {"tokenizer_class": kind, "pad_token": "</s>", "eos_token": "</s>"}
    write_json(folder / "tokenizer_config.json", said)


OPENCLIP_CONFIG: dict[str, Any] = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 64, "layers": 2},
    "text_cfg": {"context_length": 16, "width": 64, "heads": 1, "layers": 2},
}


def write_openclip(
    folder: Path, open_clip: ModuleType, config: dict[str, Any] | None = None
) -> Any:
    """Write a model of OpenCLIP as it writes one for the hub."""
    from safetensors.torch import save_file

    config = OPENCLIP_CONFIG if config is None else config
    arguments = {key: value for key, value in config.items() if key != "custom_text"}
    kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    model = kind(
        arguments.pop("embed_dim"),
        open_clip.CLIPVisionCfg(**arguments.pop("vision_cfg")),
        open_clip.CLIPTextCfg(**arguments.pop("text_cfg")),
        **arguments,
    )
    randomise(model)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / "open_clip_model.safetensors")
    write_json(
        folder / "open_clip_config.json",
        {"model_cfg": config, "preprocess_cfg": {"interpolation": "bicubic"}},
    )
    return model


def write_openai(path: Path, open_clip: ModuleType, dtype: torch.dtype = torch.float32) -> Any:
    """Write a state dict with the three numbers that OpenAI's archives have in them."""
    model = write_openclip(path.parent / "as-openclip", open_clip)
    state = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
    signs = {"input_resolution": 32, "context_length": 16, "vocab_size": 49408}
    torch.save(state | {name: torch.tensor(sign) for name, sign in signs.items()}, path)
    return model
