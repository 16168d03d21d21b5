"""Fresh weights have the spread that the table in `initialise` promises."""

import msgspec
import pytest
import torch

from sightline.model import CLIP
from sightline.spec.towers import PatchStem, ResNet, ViT
from tiny_specs import HYBRID, RESNET, SIGLIP_VIT, TEXT, VIT, tiny_spec

replace = msgspec.structs.replace
SPREAD = {  # tensor: standard deviation; width 128, two blocks
    "image.blocks.0.attention.query.weight": 128**-0.5,
    "image.blocks.1.attention.out.weight": 128**-0.5 / 2,
    "image.blocks.0.mlp.up.weight": 256**-0.5,
    "image.blocks.1.mlp.down.weight": 128**-0.5 / 2,
    "image.positions": 128**-0.5,
    "image.class_token": 128**-0.5,
    "image.projection.weight": 128**-0.5,
    "image.stem.conv.weight": 192**-0.5,
    "text.tokens.weight": 0.02,
    "text.positions": 0.01,
    "text.blocks.0.attention.key.weight": 128**-0.5,
    "text.projection.weight": 128**-0.5,
}


def test_transformers_are_drawn_by_the_table() -> None:
    torch.manual_seed(0)
    text = replace(TEXT, width=128, mlp_width=512)
    model = CLIP(tiny_spec(replace(VIT, width=128, mlp_width=512), text, embed_dim=128))
    tensors = model.state_dict()
    for name, std in SPREAD.items():
        # Five standard errors of a standard deviation.
        assert float(tensors[name].std()) == pytest.approx(
            std, rel=5 * (2 * tensors[name].numel()) ** -0.5
        ), name
        assert abs(float(tensors[name].mean())) < 5 * std * tensors[name].numel() ** -0.5


@pytest.mark.parametrize(
    "image",
    [
        VIT,
        SIGLIP_VIT,
        HYBRID,
        RESNET,
        replace(HYBRID, layers=0, stem=PatchStem(patch=8, bias=True)),
    ],
)
def test_nothing_is_left_undrawn(image: ViT | ResNet) -> None:
    with torch.device("meta"):
        names = dict(CLIP(tiny_spec(image, embed_dim=32)).named_parameters())
    torch.manual_seed(0)
    first = CLIP(tiny_spec(image, embed_dim=32)).state_dict()
    torch.manual_seed(0)
    again = CLIP(tiny_spec(image, embed_dim=32)).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in names)
    silent = {n for n in names if not first[n].any() and not n.endswith("bias")}
    last = ".bn3.weight" if isinstance(image, ResNet) else ".bn2.weight"
    assert silent == {n for n in names if "stages" in n and n.endswith(last)}


def test_the_meta_device_draws_nothing() -> None:
    before = torch.get_rng_state()
    with torch.device("meta"):
        CLIP(tiny_spec())
    assert torch.equal(torch.get_rng_state(), before)
