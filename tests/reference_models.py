"""Small networks of transformers and OpenCLIP, their weights under our names, and what they say.

Enter at `REFERENCES`.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeAlias

import msgspec
import torch
from torch import Tensor

from reference_weights import HUGGING_FACE, OPEN_CLIP, OPEN_CLIP_RESNET, randomise, renamed
from sightline.spec.towers import ResNet, Sigmoid, Spec
from tiny_specs import RESNET, SIGLIP_TEXT, SIGLIP_VIT, TEXT, VIT, WORDS, tiny_spec

replace = msgspec.structs.replace
Options: TypeAlias = dict[str, Any]


class Reference(msgspec.Struct, frozen=True):
    """What a reference says of one batch: unit vectors, logits, and its weights as ours."""

    spec: Spec
    tensors: Mapping[str, Tensor]
    pixels: Tensor
    ids: Tensor
    image: Tensor
    text: Tensor
    logits: Tensor


MIDDLING = replace(WORDS, end_id=50)  # an end id that is not the highest


def batch(size_px: int, end_id: int = 99) -> tuple[Tensor, Tensor]:
    """Return pixels and rows: an end id in the middle, then pads; one row ends twice."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 98, (5, 12), generator=generator)
    ids[:, 0] = 98
    for row, end in enumerate((3, 11, 5, 7, 4)):
        ids[row, end:] = 0
        ids[row, end] = end_id
    ids[0, 6] = end_id
    return torch.randn(5, 3, size_px, size_px, generator=generator), ids


def hugging_face_reference(reference: Any, spec: Spec, pixels: Tensor, ids: Tensor) -> Reference:
    """Ask a network of transformers; `spec` is what we say it is."""
    said = reference(input_ids=ids, pixel_values=pixels)
    return Reference(
        spec,
        renamed(reference, HUGGING_FACE),
        pixels,
        ids,
        said.image_embeds,
        said.text_embeds,
        said.logits_per_image,
    )


def hugging_face_clip(activation: str = "quick_gelu", end_id: int = 2) -> Reference:
    from transformers import CLIPConfig, CLIPModel

    shared = {"hidden_act": activation, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = {"hidden_size": 32, "intermediate_size": 64, "vocab_size": 100, "bos_token_id": 98}
    text |= {"max_position_embeddings": 12, "eos_token_id": end_id, "pad_token_id": 0}
    image = {"hidden_size": 32, "intermediate_size": 48, "image_size": 32, "patch_size": 8}
    config = CLIPConfig(text_config=shared | text, vision_config=shared | image, projection_dim=24)
    reference = CLIPModel(config)
    randomise(reference)
    # transformers keeps OpenAI's "highest id" for the files whose end id says 2.
    pool, words = ("highest_id", WORDS) if end_id == 2 else ("end_token", MIDDLING)
    text_tower = replace(TEXT, activation=activation, pool=pool)
    spec = tiny_spec(replace(VIT, activation=activation), text_tower, words=words)
    pixels, ids = batch(32, spec.words.end_id or 0)
    return hugging_face_reference(reference, spec, pixels, ids)


def hugging_face_siglip() -> Reference:
    from transformers import SiglipConfig, SiglipModel

    shared = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}
    text = {"intermediate_size": 64, "vocab_size": 100, "max_position_embeddings": 12}
    text |= {"projection_size": 32, "bos_token_id": 98, "eos_token_id": 99, "pad_token_id": 0}
    image = {"intermediate_size": 48, "image_size": 32, "patch_size": 8}
    reference = SiglipModel(SiglipConfig(text_config=shared | text, vision_config=shared | image))
    randomise(reference)
    head = Sigmoid(logit_scale=2.0, logit_bias=-10.0)
    reference.logit_scale.data.fill_(head.logit_scale)
    reference.logit_bias.data.fill_(head.logit_bias)
    pixels, ids = batch(32)
    spec = tiny_spec(SIGLIP_VIT, SIGLIP_TEXT, embed_dim=32, head=head)
    return hugging_face_reference(reference, spec, pixels, ids)


OPEN_CLIP_IMAGE: Options = {"layers": 2, "width": 32, "mlp_ratio": 1.5, "patch_size": 8}


def open_clip_reference(
    open_clip: ModuleType, spec: Spec, image: Options, text: Options
) -> Reference:
    """Build OpenCLIP's network from its own options; `spec` is what we say it is."""
    shared = {"context_length": 12, "vocab_size": 100, "width": 32, "heads": 4, "layers": 2}
    reference = open_clip.CustomTextCLIP(
        24,
        open_clip.CLIPVisionCfg(image_size=spec.image.size_px, head_width=8, **image),
        open_clip.CLIPTextCfg(mlp_ratio=2.0, **shared, **text),
        quick_gelu=spec.text.activation == "quick_gelu",
        init_logit_bias=-10.0 if isinstance(spec.head, Sigmoid) else None,
    )
    randomise(reference)
    pixels, ids = batch(spec.image.size_px, spec.words.end_id or 0)
    table = OPEN_CLIP_RESNET + OPEN_CLIP if isinstance(spec.image, ResNet) else OPEN_CLIP
    logits, _ = reference.get_logits(pixels, ids)
    return Reference(
        spec,
        renamed(reference, table),
        pixels,
        ids,
        reference.encode_image(pixels, normalize=True),
        reference.encode_text(ids, normalize=True),
        logits,
    )


def open_clip_vit(open_clip: ModuleType) -> Reference:
    return open_clip_reference(open_clip, tiny_spec(), OPEN_CLIP_IMAGE, {})


def open_clip_mean_vit(open_clip: ModuleType) -> Reference:
    """Mean pool, norm before it, no norm in front; exact GELU; bidirectional, sigmoid head."""
    image = OPEN_CLIP_IMAGE | {"no_ln_pre": True, "pool_type": "avg", "norm_kwargs": {"eps": 1e-6}}
    text: Options = {"no_causal_mask": True, "pool_type": "last", "proj_bias": True}
    text |= {"norm_kwargs": {"eps": 1e-6}}
    spec = tiny_spec(
        replace(
            VIT,
            pool="mean",
            final_norm="before_pool",
            pre_norm=False,
            activation="gelu",
            norm_eps=1e-6,
        ),
        replace(SIGLIP_TEXT, activation="gelu"),
        head=Sigmoid(logit_scale=0.0, logit_bias=-10.0),
    )
    return open_clip_reference(open_clip, spec, image, text)


def open_clip_norm_after_mean(open_clip: ModuleType) -> Reference:
    image = OPEN_CLIP_IMAGE | {"pool_type": "avg", "final_ln_after_pool": True}
    text: Options = {"pool_type": "eos", "eos_id": 50}
    spec = tiny_spec(replace(VIT, pool="mean"), replace(TEXT, pool="end_token"), words=MIDDLING)
    return open_clip_reference(open_clip, spec, image, text)


def open_clip_resnet(open_clip: ModuleType) -> Reference:
    image: Options = {"layers": (1, 2, 1, 1), "width": 8}
    spec = tiny_spec(replace(RESNET, heads=32), replace(TEXT, pool="first", causal=False))
    return open_clip_reference(
        open_clip, spec, image, {"pool_type": "first", "no_causal_mask": True}
    )


REFERENCES: Mapping[str, Callable[[ModuleType], Reference]] = {
    "transformers CLIP, highest id": lambda _: hugging_face_clip(),
    "transformers CLIP, first end id, exact GELU": lambda _: hugging_face_clip("gelu", end_id=50),
    "transformers SigLIP": lambda _: hugging_face_siglip(),
    "open_clip ViT": open_clip_vit,
    "open_clip ViT, mean pool": open_clip_mean_vit,
    "open_clip ViT, norm after the mean": open_clip_norm_after_mean,
    "open_clip ModifiedResNet": open_clip_resnet,
}
