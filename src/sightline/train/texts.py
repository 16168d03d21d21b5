"""Texts on their way through the text tower while it learns. Enter at `TextEncoder`."""

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.model import CLIP
from sightline.shapes import Float, Int64
from sightline.spec.words import Words
from sightline.train.passes import Passes, Whole

_CHUNK = 256  # rows at a time when many are encoded without gradients


class TextEncoder:
    """Unit vectors of texts; a locked tower's are computed once and kept."""

    def __init__(self, model: CLIP, words: Words) -> None:
        self._model = model
        self._words = words
        self._passes: Passes = Whole()
        self._kept: dict[str, int] = {}
        self._vectors: Tensor | None = None

    @property
    def is_locked(self) -> bool:
        """Whether vectors are kept, so that a text costs nothing."""
        return self._vectors is not None

    def __call__(self, texts: Sequence[str]) -> Float[Tensor, "captions embed_dim"]:
        """Return unit vectors in order: with gradients, or the kept ones of a locked tower."""
        if self._vectors is not None:
            return self._vectors[[self._kept[text] for text in texts]]
        vectors = self._passes.encode(self._model.text, self.rows(texts))
        return F.normalize(vectors.float(), dim=-1)

    def through(self, passes: Passes) -> "TextEncoder":
        """Return this encoder with what its rows go through the tower with."""
        changed = copy.copy(self)
        changed._passes = passes
        return changed

    def rows(self, texts: Sequence[str]) -> Int64[Tensor, "captions tokens"]:
        """Return ids, over-long captions cut, rows trimmed to the longest where that is exact."""
        rows = self._words.rows(list(texts), long="cut")
        longest = int(rows.lengths.max())
        ids = torch.from_numpy(rows.ids)
        if self._model.spec.text.may_trim:
            ids = ids[:, :longest]
        return ids.to(self._model.logit_scale.device)

    @torch.no_grad()
    def lock(self, texts: Iterable[str]) -> None:
        """Compute the vectors of all these texts now, in a fixed order, and keep them.

        The order makes the vectors the same to the last bit in a run that was taken up again.
        """
        self.unlock()
        every = sorted(set(texts), key=lambda text: (len(text), text))
        parts = [self(every[start : start + _CHUNK]) for start in range(0, len(every), _CHUNK)]
        self._vectors = torch.cat(parts)
        self._kept = {text: row for row, text in enumerate(every)}

    def unlock(self) -> None:
        """Forget the kept vectors."""
        self._vectors, self._kept = None, {}
