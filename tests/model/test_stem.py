"""Stems: which pixels become which token."""

import pytest
import torch

from reference_weights import randomise
from sightline.model.stem import BasicBlock, build_stem
from sightline.spec.towers import ConvStem, PatchStem


@torch.no_grad()
def test_a_patch_is_one_linear_map_of_its_pixels_row_by_row() -> None:
    stem = build_stem(PatchStem(patch=4, bias=True), 6)
    randomise(stem)
    pixels = torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(1))
    tokens = stem(pixels)
    weight, bias = stem.conv.weight.flatten(1), stem.conv.bias
    assert tokens.shape == (2, 6, 6)
    assert bias is not None
    torch.testing.assert_close(tokens[1, 4], weight @ pixels[1, :, 4:8, 4:8].flatten() + bias)


@torch.no_grad()
def test_pixels_beyond_the_last_whole_patch_are_not_seen() -> None:
    stem = build_stem(PatchStem(patch=4, bias=True), 6)
    pixels = torch.randn(1, 3, 11, 11)
    assert torch.equal(stem(pixels), stem(pixels[:, :, :8, :8]))


@pytest.mark.parametrize(("last", "has_projection"), [(24, True), (32, False)])
def test_convolutions_are_projected_only_where_the_width_differs(
    last: int, has_projection: bool
) -> None:
    spec = ConvStem(first=8, channels=(16, last), blocks=(2, 1))
    stem = build_stem(spec, 32)
    assert stem(torch.randn(2, 3, 32, 32)).shape == (2, (32 // spec.stride) ** 2, 32)
    assert ("projection.weight" in stem.state_dict()) is has_projection


@torch.no_grad()
def test_a_block_whose_last_norm_is_zero_passes_its_skip() -> None:
    maps = torch.randn(2, 4, 6, 6).relu()
    same, halved = BasicBlock(4, 4, stride=1).eval(), BasicBlock(4, 8, stride=2).eval()
    for block in (same, halved):
        block.bn2.weight.zero_()
    assert torch.equal(same(maps), maps)
    pooled = torch.nn.functional.avg_pool2d(maps, 2)
    conv = halved.skip[1].weight[:, :, 0, 0]  # type: ignore[index]
    expected = torch.einsum("oc,nchw->nohw", conv, pooled).relu() / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(halved(maps), expected)
