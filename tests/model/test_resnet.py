"""The modified ResNet's promises; its parity with OpenCLIP is in test_clip.py."""

import pytest
import torch

from reference_weights import randomise
from sightline.errors import SpecError
from sightline.model.resnet import ImageResNet
from tiny_specs import RESNET


def pixels() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))


def even_handed() -> ImageResNet:
    """Return a tower whose pool reads all cells alike: no query, no positions."""
    image = ImageResNet(RESNET, 24)
    randomise(image)
    for parameter in (*image.pool.attention.query.parameters(), image.pool.positions):
        parameter.zero_()
    return image


@torch.no_grad()
def test_the_mean_of_the_cells_is_what_an_even_handed_pool_returns() -> None:
    image = even_handed()
    cells = image.patches(pixels())
    assert cells.shape == (2, 4, 24)
    torch.testing.assert_close(cells.mean(dim=1), image(pixels()))


@torch.no_grad()
def test_control_cells_without_the_value_map_are_caught() -> None:
    image = even_handed()
    whole = image(pixels())
    image.pool.attention.value.bias.zero_()
    assert (image.patches(pixels()).mean(dim=1) - whole).abs().max() > 1e-3


def test_patch_dropout_is_refused() -> None:
    image = ImageResNet(RESNET, 24)
    with pytest.raises(SpecError) as caught:
        image(pixels(), torch.zeros(2, 1, dtype=torch.int64))
    assert str(caught.value) == "a ResNet has no patches to drop: switch patch dropout off"
