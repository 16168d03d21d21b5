"""How rows go through a tower in a step: at once, or a few at a time. Enter at `Passes`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from sightline.shapes import Float


@runtime_checkable
class Passes(Protocol):
    """What a step sends rows through its towers with."""

    def encode(self, tower: nn.Module, *rows: Tensor) -> Float[Tensor, "batch embed_dim"]:
        """Return one vector a row, from which gradients lead back; `rows` are cut alike."""

    def backward(self) -> None:
        """Hand on to the towers what the loss's own backward pass has not; after that pass."""


class Whole:
    """All rows at once."""

    def encode(self, tower: nn.Module, *rows: Tensor) -> Float[Tensor, "batch embed_dim"]:
        """Return one vector a row."""
        vectors: Tensor = tower(*rows)
        return vectors

    def backward(self) -> None:
        """Do nothing: the loss's backward pass went all the way."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """Rows that went through a tower without leaving a trace, and what repeats it."""

    tower: nn.Module
    rows: tuple[Tensor, ...]
    chance: Tensor | None  # the state of the device's generator, where that is not the CPU
    chance_cpu: Tensor


@dataclass(frozen=True, slots=True)
class _Call:
    """Passes that made the vectors of one call."""

    passes: tuple[_Pass, ...]
    vectors: Tensor


class MicroBatches:
    """A few rows at a time, twice, so that one micro-batch's activations are all that is kept.

    The first time without gradients: the loss sees the vectors of the whole batch, and so all of
    its negatives. The second time, with the same random numbers, each micro-batch hands its
    vectors' gradients on to the weights: the gradient of one pass over everything, for a forward
    pass more (Gao et al., arXiv 2101.06983). A tower whose rows see each other, as in a batch norm,
    is not for this: its micro-batches would be other batches.

    Args:
        size: Rows at a time.
        autocast: Makes the context that the towers run in.
    """

    def __init__(self, size: int, autocast: Callable[[], AbstractContextManager[Any]]) -> None:
        self._size = size
        self._autocast = autocast
        self._calls: list[_Call] = []

    def encode(self, tower: nn.Module, *rows: Tensor) -> Float[Tensor, "batch embed_dim"]:
        """Return one vector a row; where the tower learns, a leaf that collects its gradient."""
        passes = []
        parts = []
        with torch.no_grad():
            for some in zip(*(torch.split(each, self._size) for each in rows), strict=True):
                passes.append(_Pass(tower, some, *_chance(some[0].device)))
                parts.append(tower(*some))
        vectors = torch.cat(parts)
        if torch.is_grad_enabled() and any(p.requires_grad for p in tower.parameters()):
            vectors.requires_grad_()
            self._calls.append(_Call(tuple(passes), vectors))
        return vectors

    def backward(self) -> None:
        """Send all micro-batches through again, each with the gradient of its own vectors."""
        calls, self._calls = self._calls, []
        with self._autocast():  # one context, so that a weight is cast once for all of them
            for call in calls:
                if call.vectors.grad is None:  # no loss looked at them
                    continue
                gradients = torch.split(call.vectors.grad, self._size)
                for each, gradient in zip(call.passes, gradients, strict=True):
                    _repeat(each, gradient)


def _repeat(once: _Pass, gradient: Tensor) -> None:
    with _same_chance(once):
        vectors = once.tower(*once.rows)
    with torch.autocast(gradient.device.type, enabled=False):
        vectors.backward(gradient)


def _chance(device: torch.device) -> tuple[Tensor | None, Tensor]:
    """Return the states of the generators that a pass on this device may draw from."""
    own = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return own, torch.get_rng_state()


@contextmanager
def _same_chance(once: _Pass) -> Iterator[None]:
    """Let torch draw what it drew then; whoever draws after the block is not disturbed."""
    device = once.rows[0].device
    with torch.random.fork_rng(devices=[] if once.chance is None else [device]):
        torch.set_rng_state(once.chance_cpu)
        if once.chance is not None:
            torch.cuda.set_rng_state(once.chance, device)
        yield
