"""What a loss is handed: one batch, the model, the words of the run, and chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sightline.model import CLIP
from sightline.train.batches import Batch, Group
from sightline.train.catalog import Catalog
from sightline.train.texts import TextEncoder


@dataclass(slots=True)
class Step:
    """What one step knows; `images` are not of unit length, and absent while text learns alone."""

    model: CLIP
    heads: nn.ModuleDict
    encoder: TextEncoder
    catalog: Catalog
    chance: np.random.Generator
    templates: Sequence[str]
    count: int
    smoothing: float
    batch: Batch | None = None
    images: Tensor | None = None

    def groups(self, reads: str) -> list[tuple[Group, Tensor]]:
        """Return the groups of a batch that are read so, with their image vectors."""
        if self.batch is None or self.images is None:
            return []
        return [
            (group, self.images[group.rows.start : group.rows.stop])
            for group in self.batch.groups
            if group.part.reads == reads
        ]

    def score(self, texts: Tensor) -> Callable[[Tensor], Tensor]:
        """Return what scores images with these texts, all vectors being of unit length.

        In their own precision: bfloat16 has eight bits, and a score goes up to the scale of 100.
        """

        def score(images: Tensor) -> Tensor:
            with torch.autocast(images.device.type, enabled=False):
                return self.model.logits(images, texts)

        return score

    def pick(self, number: int, of: int) -> list[int]:
        """Draw different numbers below `of`."""
        return [int(i) for i in self.chance.choice(of, min(number, of), replace=False)]

    def wording(self) -> str:
        """Draw a template."""
        return self.templates[int(self.chance.integers(len(self.templates)))]

    def draw(self, number: int, weights: np.ndarray) -> list[int]:
        """Draw different places of `weights`, the heavier the likelier, or all."""
        if not len(weights):
            return []
        chances, number = weights / weights.sum(), min(number, len(weights))
        return [int(i) for i in self.chance.choice(len(weights), number, replace=False, p=chances)]

    def mean_over_images(self, parts: Sequence[tuple[int, Tensor]]) -> Tensor:
        """Join the losses of groups, each with its number of images; 0 where there is no group."""
        if not parts:
            assert self.images is not None
            return self.images.sum() * 0.0
        return torch.stack([n * loss for n, loss in parts]).sum() / sum(n for n, _ in parts)
