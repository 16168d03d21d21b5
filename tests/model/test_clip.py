"""Parity with transformers and OpenCLIP on shared random weights, and what the towers promise."""

import math
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeAlias

import msgspec
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from reference_weights import HUGGING_FACE, OPEN_CLIP, OPEN_CLIP_RESNET, randomise, renamed
from sightline.model import CLIP
from sightline.spec.towers import ResNet, Sigmoid, Softmax, Spec, ViT
from tiny_specs import HYBRID, RESNET, SIGLIP_TEXT, SIGLIP_VIT, TEXT, VIT, WORDS, tiny_spec

TOLERANCE = 1e-5  # of unit vectors in float32, and of logits per unit of their scale
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
    said = reference(input_ids=ids, pixel_values=pixels)
    return Reference(
        tiny_spec(SIGLIP_VIT, SIGLIP_TEXT, embed_dim=32, head=head),
        renamed(reference, HUGGING_FACE),
        pixels,
        ids,
        said.image_embeds,
        said.text_embeds,
        said.logits_per_image,
    )


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
    image: Options = {"layers": 2, "width": 32, "mlp_ratio": 1.5, "patch_size": 8}
    return open_clip_reference(open_clip, tiny_spec(), image, {})


def open_clip_mean_vit(open_clip: ModuleType) -> Reference:
    """Mean pool, norm before it, no norm in front; exact GELU; bidirectional, sigmoid head."""
    image: Options = {
        "layers": 2,
        "width": 32,
        "mlp_ratio": 1.5,
        "patch_size": 8,
        "no_ln_pre": True,
    }
    image |= {"pool_type": "avg", "norm_kwargs": {"eps": 1e-6}}
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
    image: Options = {
        "layers": 2,
        "width": 32,
        "mlp_ratio": 1.5,
        "patch_size": 8,
        "pool_type": "avg",
    }
    text: Options = {"pool_type": "eos", "eos_id": 50}
    spec = tiny_spec(replace(VIT, pool="mean"), replace(TEXT, pool="end_token"), words=MIDDLING)
    return open_clip_reference(open_clip, spec, image | {"final_ln_after_pool": True}, text)


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


@pytest.fixture(params=REFERENCES)
@torch.no_grad()
def reference(request: pytest.FixtureRequest, open_clip: ModuleType) -> Reference:
    return REFERENCES[request.param](open_clip)


def loaded(spec: Spec, tensors: Mapping[str, Tensor]) -> CLIP:
    with torch.device("meta"):
        model = CLIP(spec)
    model.load_state_dict(dict(tensors), assign=True)
    return model.eval()


@torch.no_grad()
def distances(reference: Reference, spec: Spec) -> tuple[float, float, float]:
    """Return how far our image vectors, text vectors and logits are from the reference's."""
    model = loaded(spec, reference.tensors)
    image = normalize(model.encode_image(reference.pixels), dim=-1)
    text = normalize(model.encode_text(reference.ids), dim=-1)
    logits = (model.logits(image, text) - reference.logits) / model.logit_scale.exp()
    pairs = (image - reference.image, text - reference.text, logits)
    return tuple(float(difference.abs().max()) for difference in pairs)  # type: ignore[return-value]


def test_vectors_and_logits_equal_the_reference(reference: Reference) -> None:
    assert max(distances(reference, reference.spec)) < TOLERANCE


CONTROLS: Mapping[str, tuple[str, str, dict[str, object]]] = {  # reference, side, what is wrong
    "image: exact GELU for quick": ("open_clip ViT", "image", {"activation": "gelu"}),
    "text: exact GELU for quick": ("open_clip ViT", "text", {"activation": "gelu"}),
    "image: exact GELU for tanh": ("transformers SigLIP", "image", {"activation": "gelu"}),
    "text: exact GELU for tanh": ("transformers SigLIP", "text", {"activation": "gelu"}),
    "image: CLIP's eps for SigLIP's": ("transformers SigLIP", "image", {"norm_eps": 1e-5}),
    "text: CLIP's eps for SigLIP's": ("transformers SigLIP", "text", {"norm_eps": 1e-5}),
    "image: SigLIP's eps for CLIP's": ("open_clip ViT", "image", {"norm_eps": 1e-6}),
    "text: SigLIP's eps for CLIP's": ("open_clip ViT", "text", {"norm_eps": 1e-6}),
    "image: twice the heads": ("open_clip ViT", "image", {"heads": 8}),
    "text: twice the heads": ("open_clip ViT", "text", {"heads": 8}),
    "attention pool: half the heads": ("open_clip ModifiedResNet", "image", {"heads": 16}),
    "image: mean for class token": ("open_clip ViT", "image", {"pool": "mean"}),
    "image: class token for mean": ("open_clip ViT, mean pool", "image", {"pool": "class_token"}),
    "image: norm after the mean": (
        "open_clip ViT, mean pool",
        "image",
        {"final_norm": "after_pool"},
    ),
    "text: last position for first end id": (
        "open_clip ViT, norm after the mean",
        "text",
        {"pool": "last"},
    ),
    "text: mean for last": ("transformers SigLIP", "text", {"pool": "mean"}),
    "text: causal for bidirectional": ("transformers SigLIP", "text", {"causal": True}),
    "text: bidirectional for causal": ("open_clip ViT", "text", {"causal": False}),
}


@pytest.mark.parametrize("wrong", CONTROLS)
def test_control_a_wrong_record_is_caught(wrong: str, open_clip: ModuleType) -> None:
    name, side, changes = CONTROLS[wrong]
    with torch.no_grad():
        reference = REFERENCES[name](open_clip)
    tower = replace(getattr(reference.spec, side), **changes)
    image, text, logits = distances(reference, replace(reference.spec, **{side: tower}))
    assert (image if side == "image" else text) > TOLERANCE
    assert logits > TOLERANCE


@torch.no_grad()
def test_a_model_built_on_the_meta_device_takes_tensors_as_they_are() -> None:
    spec = tiny_spec(HYBRID)
    drawn = CLIP(spec).eval()
    model = loaded(spec, drawn.state_dict())
    pixels, ids = batch(32)
    assert not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()])
    assert torch.equal(model.encode_image(pixels), drawn.encode_image(pixels))
    assert torch.equal(model.encode_text(ids), drawn.encode_text(ids))


@torch.no_grad()
def test_logits_are_scaled_cosines_and_a_sigmoid_head_adds_its_bias() -> None:
    image, text = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, 0.8], [0.0, 1.0]])
    scale = math.log(10)
    softmax = CLIP(tiny_spec(head=Softmax(logit_scale=scale, max_scale=100.0)))
    sigmoid = CLIP(tiny_spec(head=Sigmoid(logit_scale=scale, logit_bias=-4.0)))
    torch.testing.assert_close(softmax.logits(image, text), torch.tensor([[6.0, 0.0]]))
    torch.testing.assert_close(sigmoid.logits(image, text), torch.tensor([[2.0, -4.0]]))


@pytest.mark.parametrize("image", [VIT, SIGLIP_VIT, HYBRID, RESNET])
def test_every_parameter_learns_in_mixed_precision(image: ViT | ResNet) -> None:
    model = CLIP(tiny_spec(image, embed_dim=32))
    randomise(model)
    model.train()
    pixels, ids = batch(image.size_px)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vectors = normalize(model.encode_image(pixels)), normalize(model.encode_text(ids))
        model.logits(*vectors).float().log_softmax(-1).diagonal().sum().backward()  # type: ignore[no-untyped-call]
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # A key's bias shifts all of a query's scores alike, so softmax makes it nothing.
    assert [name for name in still if not name.endswith("key.bias")] == []
