"""Parity with transformers and OpenCLIP on shared random weights, and what the towers promise."""

import math
from collections.abc import Mapping
from types import ModuleType

import msgspec
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from reference_models import REFERENCES, Reference, batch
from reference_weights import randomise
from sightline.model import CLIP
from sightline.spec.towers import ResNet, Sigmoid, Softmax, Spec, ViT
from tiny_specs import HYBRID, RESNET, SIGLIP_VIT, VIT, tiny_spec

TOLERANCE = 1e-5  # of unit vectors in float32, and of logits per unit of their scale
replace = msgspec.structs.replace


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


# A field of a tower → what else it could wrongly be.
WRONG: Mapping[str, Mapping[object, object]] = {
    "activation": {"gelu": "quick_gelu", "quick_gelu": "gelu", "gelu_tanh": "gelu"},
    "norm_eps": {1e-5: 1e-6, 1e-6: 1e-5},
    "heads": {4: 8, 32: 16},
    "pool": {
        "class_token": "mean",
        "mean": "class_token",
        "highest_id": "last",
        "end_token": "last",
        "last": "mean",
        "first": "last",
    },
}
HAS_NOT = {  # an attention pool has weights of its own, which would be left over
    "transformers SigLIP": {("image", "pool")},
    "open_clip ModifiedResNet": {("image", field) for field in ("activation", "norm_eps", "pool")},
}
CASES = [
    (name, side, field)
    for name in REFERENCES
    for side in ("image", "text")
    for field in WRONG
    if (side, field) not in HAS_NOT.get(name, ())
]


def assert_caught(reference: Reference, side: str, changes: Mapping[str, object]) -> None:
    tower = replace(getattr(reference.spec, side), **changes)
    image, text, logits = distances(reference, replace(reference.spec, **{side: tower}))
    assert (image if side == "image" else text) > TOLERANCE
    assert logits > TOLERANCE


@pytest.mark.parametrize(("name", "side", "field"), CASES)
def test_control_a_wrong_field_is_caught(
    name: str, side: str, field: str, open_clip: ModuleType
) -> None:
    with torch.no_grad():
        reference = REFERENCES[name](open_clip)
    right = getattr(getattr(reference.spec, side), field)
    assert_caught(reference, side, {field: WRONG[field][right]})


CONTROLS: Mapping[str, tuple[str, str, dict[str, object]]] = {  # reference, side, what is wrong
    "image: norm after the mean": (
        "open_clip ViT, mean pool",
        "image",
        {"final_norm": "after_pool"},
    ),
    "text: causal for bidirectional": ("transformers SigLIP", "text", {"causal": True}),
    "text: bidirectional for causal": ("open_clip ViT", "text", {"causal": False}),
    "text: bidirectional for CLIP's causal": (
        "transformers CLIP, highest id",
        "text",
        {"causal": False},
    ),
}


@pytest.mark.parametrize("wrong", CONTROLS)
def test_control_a_wrong_record_is_caught(wrong: str, open_clip: ModuleType) -> None:
    name, side, changes = CONTROLS[wrong]
    with torch.no_grad():
        reference = REFERENCES[name](open_clip)
    assert_caught(reference, side, changes)


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
