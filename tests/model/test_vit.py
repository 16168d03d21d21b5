"""The vision transformer's promises: patches in the shared space, and patch dropout."""

import itertools

import msgspec
import pytest
import torch
from torch import nn

from reference_weights import randomise
from sightline.model.vit import ImageTransformer
from sightline.spec.towers import ViT
from tiny_specs import HYBRID, SIGLIP_VIT, VIT

replace = msgspec.structs.replace


def tower(spec: ViT) -> ImageTransformer:
    image = ImageTransformer(spec, 24 if spec.projection == "matrix" else spec.width)
    randomise(image)
    return image


def pixels(spec: ViT) -> torch.Tensor:
    return torch.randn(3, 3, spec.size_px, spec.size_px, generator=torch.Generator().manual_seed(2))


BARE = replace(VIT, class_token=False, pool="mean")
ONE_PATCH = [
    replace(BARE, size_px=8, pool=pool, final_norm=norm, projection=projection)
    for pool, norm, projection in itertools.product(
        ("mean", "attention"), ("before_pool", "after_pool"), ("matrix", "none")
    )
]


@pytest.mark.parametrize("spec", [*ONE_PATCH, replace(HYBRID, size_px=8)])
@torch.no_grad()
def test_a_picture_of_one_patch_is_its_patch(spec: ViT) -> None:
    image = tower(spec)
    torch.testing.assert_close(image.patches(pixels(spec))[:, 0], image(pixels(spec)))


@pytest.mark.parametrize("spec", [replace(BARE, final_norm="before_pool"), HYBRID])
@torch.no_grad()
def test_the_mean_of_the_patches_is_the_mean_pooled_picture(spec: ViT) -> None:
    image = tower(spec)
    patches = image.patches(pixels(spec))
    assert patches.shape == (3, spec.grid**2, 24)
    torch.testing.assert_close(patches.mean(dim=1), image(pixels(spec)))


@torch.no_grad()
def test_a_patch_that_stood_where_the_class_token_stands_would_be_the_picture() -> None:
    image = tower(replace(VIT, layers=0))
    shown = pixels(VIT)[:1]
    patches = image.patches(shown)
    assert image.class_token is not None
    assert image.positions is not None
    image.class_token.copy_(image.stem(shown)[0, 5] + image.positions[6] - image.positions[0])
    torch.testing.assert_close(patches[:, 5], image(shown))


@pytest.mark.parametrize("left_out", ["final_norm", "projection"])
@torch.no_grad()
def test_control_patches_without_the_norm_or_the_projection_are_caught(left_out: str) -> None:
    spec = replace(BARE, final_norm="before_pool", projection="matrix")
    image = tower(spec)
    whole = image(pixels(spec))
    setattr(image, left_out, nn.Identity())
    mean = image.patches(pixels(spec)).mean(dim=1)
    assert mean.shape != whole.shape or (mean - whole).abs().max() > 1e-3


@pytest.mark.parametrize("spec", [VIT, SIGLIP_VIT, HYBRID])
@torch.no_grad()
def test_keeping_every_patch_changes_nothing(spec: ViT) -> None:
    image = tower(spec)
    keep = torch.arange(spec.grid**2).flip(0).expand(3, -1)
    torch.testing.assert_close(image(pixels(spec), keep), image(pixels(spec)))


@torch.no_grad()
def test_a_dropped_patch_is_not_seen() -> None:
    image, shown = tower(VIT), pixels(VIT)
    painted = shown.clone()
    painted[:, :, :8, 8:16] += 1.0  # patch 1
    keep = torch.tensor([[0, 2, 3, 9], [5, 6, 7, 8], [15, 14, 13, 2]])
    assert torch.equal(image(painted, keep), image(shown, keep))
    assert not torch.equal(image(painted), image(shown))
