"""Random views of stored pictures, a whole batch at once. Enter at `augment`."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.shapes import Float, UInt8
from sightline.spec.pixels import PixelRecipe
from sightline.train.recipe import Augment


def augment(
    pictures: UInt8[Tensor, "images height width 3"],
    size_px: int,
    recipe: Augment,
    pixels: PixelRecipe,
    generator: torch.Generator,
) -> Float[Tensor, "images 3 size size"]:
    """Crop, stretch, flip and recolour each picture at random, then normalise it.

    Args:
        pictures: As stored, on a 0 to 255 scale.
        size_px: Edge of what comes out.
        recipe: How strongly.
        pixels: The model's mean and deviation.
        generator: The only source of chance, on the CPU.
    """
    images = pictures.permute(0, 3, 1, 2).float().div_(255)
    images = _crop(images, size_px, recipe, generator)
    images = _recolour(images, recipe, generator)
    mean = torch.tensor(pixels.mean, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(pixels.std, device=images.device).view(1, 3, 1, 1)
    images = (images - mean) / std
    if recipe.erase:
        images = _erase(images, recipe.erase, generator)
    return images.contiguous(memory_format=torch.channels_last)


def _crop(images: Tensor, size_px: int, recipe: Augment, generator: torch.Generator) -> Tensor:
    """Take a random rectangle of each picture, mirrored half of the time."""
    count = len(images)
    low, high = recipe.crop
    edge = low + (high - low) * torch.rand(count, generator=generator)
    stretch = torch.exp(recipe.aspect * (2 * torch.rand(count, generator=generator) - 1))
    across, down = (edge * stretch).clamp(max=1), (edge / stretch).clamp(max=1)
    shift = 2 * torch.rand(count, 2, generator=generator) - 1
    mirrored = torch.rand(count, generator=generator) < 0.5
    sign = torch.where(mirrored & recipe.flip, -1.0, 1.0)
    window = torch.zeros(count, 2, 3)
    window[:, 0, 0], window[:, 1, 1] = across * sign, down
    window[:, 0, 2], window[:, 1, 2] = shift[:, 0] * (1 - across), shift[:, 1] * (1 - down)
    # Sampling does not antialias, so shrink first: to the edge at which a middling crop fits.
    middle = round(size_px / math.sqrt(low * high))
    if middle < images.shape[-1]:
        images = F.interpolate(images, size=(middle, middle), mode="bilinear", antialias=True)
    grid = F.affine_grid(window, [count, 3, size_px, size_px], align_corners=False)
    grid = grid.to(images.device)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _recolour(images: Tensor, recipe: Augment, generator: torch.Generator) -> Tensor:
    """Change brightness and contrast, and take the colour from a few."""
    count = len(images)

    def chance() -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=generator).to(images.device)

    images = images * (1 + recipe.brightness * (2 * chance() - 1))
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    images = middle + (images - middle) * (1 + recipe.contrast * (2 * chance() - 1))
    grey = chance() < recipe.grey
    images = torch.where(grey, images.mean(dim=1, keepdim=True), images)
    # Drawn only where asked for, so that older recipes see what they saw.
    if recipe.flat:
        images = torch.where(chance() < recipe.flat, _flatten(images, chance()), images)
    if recipe.edges:
        images = torch.where(chance() < recipe.edges, _draw_edges(images, chance()), images)
    return images


def _flatten(images: Tensor, chance: Tensor) -> Tensor:
    """Blur, then leave three to six levels of each colour."""
    levels = 2 + (4 * chance).floor()
    return (_blur(images) * levels).round() / levels


def _blur(images: Tensor) -> Tensor:
    return F.avg_pool2d(images, kernel_size=3, stride=1, padding=1, count_include_pad=False)


def _draw_edges(images: Tensor, chance: Tensor) -> Tensor:
    """Draw the edges of the brightness dark on white, at a random strength."""
    light = _blur(images.mean(dim=1, keepdim=True))
    light = F.pad(light, (1, 1, 1, 1), mode="replicate")
    across = light[..., 1:-1, 2:] - light[..., 1:-1, :-2]
    down = light[..., 2:, 1:-1] - light[..., :-2, 1:-1]
    steep = (across.square() + down.square()).sqrt()
    steep = steep / steep.mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-3)
    white = 1 - (steep * (0.2 + 0.3 * chance) - 0.3).clamp(0, 1)
    return white.expand_as(images)


def _erase(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Blank a rectangle of a twentieth to a third of the picture, on a share of them."""
    count, _, height, width = images.shape
    chosen = torch.rand(count, generator=generator) < share
    area = 0.05 + 0.28 * torch.rand(count, generator=generator)
    stretch = torch.exp(torch.rand(count, generator=generator) * 2 - 1)
    tall, wide = (area * stretch).sqrt() * height, (area / stretch).sqrt() * width
    top = torch.rand(count, generator=generator) * (height - tall)
    left = torch.rand(count, generator=generator) * (width - wide)
    down, across = torch.arange(height)[None, :, None], torch.arange(width)[None, None, :]
    column = (slice(None), None, None)
    inside = (down >= top[column]) & (down < (top + tall)[column])
    inside = inside & (across >= left[column]) & (across < (left + wide)[column])
    return images.masked_fill((inside & chosen[column])[:, None].to(images.device), 0.0)
