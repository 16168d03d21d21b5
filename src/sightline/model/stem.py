"""From pixels to the first tokens of a vision transformer. Enter at `build_stem`."""

from torch import Tensor, nn
from torch.nn import functional

from sightline.shapes import Float
from sightline.spec.towers import ConvStem, PatchStem


class PatchEmbedding(nn.Module):
    """Each patch of pixels through one linear map."""

    def __init__(self, stem: PatchStem, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, stem.patch, stride=stem.patch, bias=stem.bias)

    def forward(
        self, pixels: Float[Tensor, "images 3 height width"]
    ) -> Float[Tensor, "images patches tower_width"]:
        """Return one token per patch, row by row."""
        return self.conv(pixels).flatten(2).transpose(1, 2)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a skip (He et al., arXiv 1512.03385)."""

    def __init__(self, channels_in: int, channels: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        # Pooling before the 1×1 convolution keeps what a strided one would throw away
        # (ResNet-D, arXiv 1812.01187).
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.skip = nn.Sequential(
                nn.AvgPool2d(stride),
                nn.Conv2d(channels_in, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps, reworked, at 1 / stride of their size."""
        reworked = functional.relu(self.bn1(self.conv1(maps)))
        reworked = self.bn2(self.conv2(reworked))
        return functional.relu(reworked + self.skip(maps))


class ConvolutionEmbedding(nn.Module):
    """A small residual network whose last map is read as tokens."""

    def __init__(self, stem: ConvStem, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, stem.first, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(stem.first)
        self.stages = nn.ModuleList()
        channels_in = stem.first
        for channels, count in zip(stem.channels, stem.blocks, strict=True):
            first = BasicBlock(channels_in, channels, stride=2)
            rest = (BasicBlock(channels, channels, stride=1) for _ in range(count - 1))
            self.stages.append(nn.Sequential(first, *rest))
            channels_in = channels
        self.projection: nn.Module = nn.Identity()
        if channels_in != width:
            self.projection = nn.Conv2d(channels_in, width, 1)

    def forward(
        self, pixels: Float[Tensor, "images 3 height width"]
    ) -> Float[Tensor, "images patches tower_width"]:
        """Return one token per cell of the last map, row by row."""
        maps = functional.relu(self.bn(self.conv(pixels)))
        for stage in self.stages:
            maps = stage(maps)
        return self.projection(maps).flatten(2).transpose(1, 2)


def build_stem(stem: PatchStem | ConvStem, width: int) -> PatchEmbedding | ConvolutionEmbedding:
    """Make the module that a stem's spec describes."""
    if isinstance(stem, PatchStem):
        return PatchEmbedding(stem, width)
    return ConvolutionEmbedding(stem, width)
