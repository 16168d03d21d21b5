"""Counts by arithmetic against the published ones and against the real network."""

import msgspec
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sightline.model import CLIP
from sightline.spec import Sigmoid, Spec, architecture
from sightline.spec.cost import gflops, parameters
from tiny_specs import HYBRID, RESNET, SIGLIP_TEXT, SIGLIP_VIT, TEXT, VIT, tiny_spec

replace = msgspec.structs.replace

# open_clip docs/model_profile.csv at 3b37473: millions of parameters of the image and text towers,
# then billions of operations, rounded to two decimals.
PUBLISHED = {
    "RN50": (38.32, 63.69, 12.22, 5.96),
    "RN50-quickgelu": (38.32, 63.69, 12.22, 5.96),
    "RN101": (56.26, 63.43, 19.54, 5.96),
    "RN101-quickgelu": (56.26, 63.43, 19.54, 5.96),
    "RN50x4": (87.14, 91.16, 42.56, 9.27),
    "RN50x16": (167.33, 123.65, 149.39, 13.3),
    "RN50x64": (420.38, 202.88, 529.11, 23.55),
    "ViT-B-32": (87.85, 63.43, 8.82, 5.96),
    "ViT-B-32-quickgelu": (87.85, 63.43, 8.82, 5.96),
    "ViT-B-32-256": (87.86, 63.43, 11.5, 5.96),
    "ViT-B-16": (86.19, 63.43, 35.13, 5.96),
    "ViT-B-16-quickgelu": (86.19, 63.43, 35.13, 5.96),
    "ViT-L-14": (303.97, 123.65, 162.03, 13.3),
    "ViT-L-14-quickgelu": (303.97, 123.65, 162.03, 13.3),
    "ViT-L-14-336": (304.29, 123.65, 381.92, 13.3),
    "ViT-H-14": (632.08, 354.03, 334.59, 47.09),
    "ViT-H-14-quickgelu": (632.08, 354.03, 334.59, 47.09),
    "ViT-g-14": (1012.65, 354.03, 534.06, 47.09),
    "ViT-bigG-14": (1844.91, 694.66, 967.5, 97.86),
    "ViT-B-16-SigLIP": (92.88, 110.27, 35.42, 11.02),
    "ViT-B-16-SigLIP-256": (92.93, 110.27, 46.82, 11.02),
    "ViT-B-16-SigLIP-384": (93.18, 110.27, 112.13, 11.02),
    "ViT-B-16-SigLIP-512": (93.52, 110.27, 216.24, 11.02),
    "ViT-B-16-SigLIP-i18n-256": (92.93, 277.7, 46.82, 11.02),
    "ViT-L-16-SigLIP-256": (315.96, 336.19, 162.56, 39.06),
    "ViT-L-16-SigLIP-384": (316.28, 336.19, 383.85, 39.06),
    "ViT-SO400M-14-SigLIP": (427.68, 449.68, 220.35, 13.19),
    "ViT-SO400M-14-SigLIP-384": (428.23, 449.73, 670.35, 53.13),
}
FULL = (  # every shape and family once, on the meta device
    "RN50x64",
    "ViT-B-32",
    "ViT-g-14",
    "ViT-bigG-14",
    "ViT-SO400M-14-SigLIP-384",
    "ViT-gopt-16-SigLIP2-256",
)
ROUNDING = 0.005 + 1e-9
TINY = {
    "CLIP": tiny_spec(),
    "SigLIP": tiny_spec(
        SIGLIP_VIT, SIGLIP_TEXT, embed_dim=32, head=Sigmoid(logit_scale=2.0, logit_bias=-10.0)
    ),
    "hybrid": tiny_spec(HYBRID),
    "hybrid without a projection": tiny_spec(replace(HYBRID, width=24), replace(TEXT, layers=0)),
    "ResNet": tiny_spec(RESNET, replace(TEXT, width=24, projection="none")),
}


def counts(spec: Spec) -> tuple[float, float, float, float]:
    millions, billions = parameters(spec), gflops(spec)
    return (millions.image / 1e6, millions.text / 1e6, billions.image, billions.text)


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones(name: str) -> None:
    assert counts(architecture(name)) == pytest.approx(PUBLISHED[name], abs=ROUNDING, rel=0)


def test_control_one_multiply_add_counted_once_is_caught() -> None:
    halved = [count / 2 for count in counts(architecture("ViT-B-32"))[2:]]
    assert halved != pytest.approx(PUBLISHED["ViT-B-32"][2:], abs=ROUNDING, rel=0)


@pytest.mark.parametrize("name", [*FULL, *TINY])
def test_parameters_are_those_of_the_network(name: str) -> None:
    spec = TINY[name] if name in TINY else architecture(name)
    with torch.device("meta"):
        model = CLIP(spec)
    cost = parameters(spec)
    assert cost.image == sum(p.numel() for p in model.image.parameters())
    assert cost.text == sum(p.numel() for p in model.text.parameters())
    assert cost.total == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", TINY)
def test_operations_are_those_of_the_network(name: str) -> None:
    spec = TINY[name]
    model, size = CLIP(spec).eval().requires_grad_(False), spec.image.size_px
    counted = []
    inputs = (torch.zeros(1, 3, size, size), torch.zeros(1, 12, dtype=torch.int64))
    for tower, one in zip((model.image, model.text), inputs, strict=True):
        # The counter sees into attention only where it is made of matrix products.
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            tower(one)
        counted.append(counter.get_total_flops())
    if spec.image is RESNET:
        # As published, each of the 4 cells asks the pool; here only their mean does.
        wide, tokens = 32 * RESNET.width, RESNET.grid**2 + 1
        counted[0] += 2 * 4 * (wide * wide + wide * spec.embed_dim + 2 * tokens * wide)
    cost = gflops(spec)
    assert [cost.image * 1e9, cost.text * 1e9] == pytest.approx(counted, rel=1e-9)


def test_a_wider_mlp_costs_what_its_two_matrices_cost() -> None:
    wider = tiny_spec(replace(VIT, mlp_width=VIT.mlp_width + 1))
    added = parameters(wider).image - parameters(tiny_spec()).image
    assert added == VIT.layers * (2 * VIT.width + 1)


@pytest.mark.parametrize(
    ("name", "millions"), [("ViT-B-16-SigLIP2", 86), ("ViT-L-16-SigLIP2-256", 303)]
)
def test_siglip_2_is_of_the_published_size(name: str, millions: int) -> None:
    """The paper's, in its abstract (arXiv 2502.14786), which leaves out the attention pool."""
    with torch.device("meta"):
        image = CLIP(architecture(name)).image
    counted = sum(p.numel() for part, p in image.named_parameters() if not part.startswith("pool"))
    assert round(counted / 1e6) == millions
