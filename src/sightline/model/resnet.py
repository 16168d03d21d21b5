"""CLIP's modified ResNet as image tower (arXiv 2103.00020, section 2.4). Enter at `ImageResNet`."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.errors import SpecError
from sightline.model.blocks import Attention
from sightline.shapes import Float
from sightline.spec.inventory import EXPANSION
from sightline.spec.towers import ResNet


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions beside a skip; a stride is an average pool."""

    def __init__(self, channels_in: int, channels: int, *, stride: int) -> None:
        super().__init__()
        wide = channels * EXPANSION
        self.conv1 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shrink: nn.Module = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.conv3 = nn.Conv2d(channels, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or channels_in != wide:
            conv = nn.Conv2d(channels_in, wide, 1, bias=False)
            parts = OrderedDict(shrink=nn.AvgPool2d(stride), conv=conv, bn=nn.BatchNorm2d(wide))
            self.skip = nn.Sequential(parts)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps, reworked, at 1 / stride of their size."""
        reworked = functional.relu(self.bn1(self.conv1(maps)))
        reworked = functional.relu(self.bn2(self.conv2(reworked)))
        reworked = self.bn3(self.conv3(self.shrink(reworked)))
        return functional.relu(reworked + self.skip(maps))


class ConvolutionTriple(nn.Module):
    """The stem: three 3×3 convolutions and an average pool, a quarter of the input's edge."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.conv1 = nn.Conv2d(3, half, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the first feature map."""
        maps = functional.relu(self.bn1(self.conv1(pixels)))
        maps = functional.relu(self.bn2(self.conv2(maps)))
        maps = functional.relu(self.bn3(self.conv3(maps)))
        return functional.avg_pool2d(maps, 2)


class CellPool(nn.Module):
    """The mean cell reads all cells; the attention's output map is the projection."""

    def __init__(self, spec: ResNet, embed_dim: int) -> None:
        super().__init__()
        width = 32 * spec.width
        self.positions = nn.Parameter(torch.empty(spec.grid**2 + 1, width))
        self.attention = Attention(width, spec.heads, out_width=embed_dim)

    def forward(
        self, cells: Float[Tensor, "images patches tower_width"]
    ) -> Float[Tensor, "images embed_dim"]:
        """Pool the cells of each image."""
        tokens = torch.cat([cells.mean(dim=1, keepdim=True), cells], dim=1) + self.positions
        return self.attention(tokens[:, :1], tokens)[:, 0]


class ImageResNet(nn.Module):
    """Stem, four stages of bottlenecks, attention pool."""

    def __init__(self, spec: ResNet, embed_dim: int) -> None:
        super().__init__()
        self.stem = ConvolutionTriple(spec.width)
        self.stages = nn.ModuleList()
        channels_in = spec.width
        for stage, count in enumerate(spec.layers):
            channels = spec.width * 2**stage
            first = Bottleneck(channels_in, channels, stride=2 if stage else 1)
            channels_in = channels * EXPANSION
            rest = (Bottleneck(channels_in, channels, stride=1) for _ in range(count - 1))
            self.stages.append(nn.Sequential(first, *rest))
        self.pool = CellPool(spec, embed_dim)

    def forward(
        self, pixels: Float[Tensor, "images 3 height width"], keep: Tensor | None = None
    ) -> Float[Tensor, "images embed_dim"]:
        """Encode whole images; there are no patches to drop, so `keep` must be None."""
        if keep is not None:
            raise SpecError("a ResNet has no patches to drop: switch patch dropout off")
        return self.pool(self._cells(pixels))

    def patches(
        self, pixels: Float[Tensor, "images 3 height width"]
    ) -> Float[Tensor, "images patches embed_dim"]:
        """Encode each cell of the last map by the pool's value and output maps alone.

        Source: MaskCLIP (arXiv 2112.01071, section 3.2), which leaves the pool's positions out.
        """
        return self.pool.attention.alone(self._cells(pixels))

    def _cells(self, pixels: Tensor) -> Tensor:
        """Return the last feature map, one row per cell."""
        maps = self.stem(pixels)
        for stage in self.stages:
            maps = stage(maps)
        return maps.flatten(2).transpose(1, 2)
