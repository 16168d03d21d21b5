"""How far the numbers go that a tower in eight bits rounds. Enter at `Ranges`."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import sha256

import msgspec
import numpy as np

USE = "rounded as of 2"  # counted up whenever a graph rounds otherwise by the same numbers
EIGHT_BITS = 255  # steps from the lowest to the highest number
SHARE = 0.5  # of a channel's reach that its weights take over, as SmoothQuant found best
TINY = float(np.finfo(np.float32).tiny)  # below, float32 has fewer digits and processors are slow
LEAST = 1e-5  # of a reach: a channel that is always 0 has none


class Range(msgspec.Struct, frozen=True, eq=False):
    """What enters a product, as it was seen."""

    low: float
    high: float
    smoothing: np.ndarray | None = None  # what each channel is divided by before it is rounded

    @property
    def step(self) -> float:
        """How far apart two neighbours of the 256 numbers are."""
        return (self.high - self.low) / EIGHT_BITS

    @property
    def zero(self) -> int:
        """Which of the 256 numbers is 0."""
        return round(-self.low / self.step)

    @property
    def signed_step(self) -> float:
        """How far apart they are if they lie as far below 0 as above."""
        return max(-self.low, self.high) / 127


class Ranges:
    """The ranges of a model's towers, by the name of the first product that reads each value."""

    def __init__(self, by_name: Mapping[str, Range]) -> None:
        """Keep them."""
        self.by_name = dict(by_name)

    @cached_property
    def digest(self) -> str:
        """The sha256 of all numbers and of what they are for: other ranges, other vectors."""
        hashed = sha256(f"{USE}\n".encode())
        for name, found in sorted(self.by_name.items()):
            hashed.update(f"{name} {found.low!r} {found.high!r}\n".encode())
            if found.smoothing is not None:
                hashed.update(found.smoothing.tobytes())
        return hashed.hexdigest()


def named(ranges: Ranges | None) -> str:
    """Return what tells towers of these ranges from towers of others, for a description."""
    return "" if ranges is None else f" by ranges {ranges.digest[:12]}"


def range_of(
    lowest: np.ndarray,
    highest: np.ndarray,
    weights: Sequence[np.ndarray],
) -> Range:
    """Return the range of a product's input.

    Channels that reach far would leave the others a few of the 256 steps. So each is divided by a
    part of its reach and its weights are multiplied by that, which changes nothing else (Xiao et
    al., SmoothQuant, arXiv 2211.10438, equation 4).

    Args:
        lowest: The least number seen, one for each channel or one for all.
        highest: The greatest.
        weights: Of the linear layers that read it, (out, in) each; none: channels are not told
            apart.
    """
    smoothing = None
    if weights:
        reach = np.maximum(np.abs(lowest), np.abs(highest)).clip(LEAST)
        against = np.max([np.abs(one).max(axis=0) for one in weights], axis=0).clip(LEAST)
        smoothing = (reach**SHARE / against ** (1 - SHARE)).astype(np.float32)
        lowest, highest = lowest / smoothing, highest / smoothing
    # 0 is always one of the numbers; a value that is always 0 has some range all the same.
    low, high = min(0.0, float(lowest.min())), max(0.0, float(highest.max()))
    return Range(low, high if high > low else 1.0, smoothing)


def rounded(
    weight: np.ndarray, least_steps: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return a weight as int8 and the step of each of its outputs, its first axis.

    Symmetric around 0, so that 0 stays 0.

    Args:
        weight: Numbers (out, in), or a kernel's.
        least_steps: What no step may be below, for each output or for all.
    """
    flat = weight.reshape(len(weight), -1)
    least = np.maximum(least_steps, TINY)
    steps = np.maximum(np.abs(flat).max(axis=1) / 127, least).astype(np.float32)
    return np.rint(flat / steps[:, None]).astype(np.int8).reshape(weight.shape), steps
