"""95 % intervals of the figures that `evaluate` prints: closed forms, no random numbers.

Three kinds of figure occur, and each has its own interval:

- a share of independent images: Wilson's (JASA 1927). It stays inside 0 and 1 and is not empty when
  nothing or everything was a hit. Enter at `wilson`.
- a share of captions, where the captions of one image succeed or fail together: Wilson's with the
  *effective* number of captions, from the variance between images (Korn & Graubard, Survey
  Methodology 1998). Counting 5,000 captions of 1,000 images as independent would claim about half
  the true width. Enter at `wilson_clustered`.
- a mean of shares over groups or classes: the limits of the groups combined by their squared
  distances (MOVER; Zou & Donner, Statistics in Medicine 2008, after Newcombe 1998). The groups are
  taken as given, not as a sample of groups. Enter at `mean_over`.

All speak of the sampling of images only, not of training seeds.
"""

from collections.abc import Sequence
from math import sqrt

import msgspec
import numpy as np

from sightline.errors import DataError
from sightline.shapes import Int64

Z = 1.959963984540054  # the normal distribution's 97.5 % point


class Estimate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure, its 95 % interval, and how many images, captions or groups it was counted on."""

    value: float
    low: float
    high: float
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper limit."""
        return (self.low, self.high)


def _limits(share: float, size: float) -> tuple[float, float]:
    """Return Wilson's limits for a share of `size` draws (a real number: it may be effective)."""
    grow = Z * Z / size
    centre = (share + grow / 2) / (1 + grow)
    half = Z / (1 + grow) * sqrt(share * (1 - share) / size + grow / size / 4)
    # rounding may leave the share itself outside by one unit in the last place
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))


def wilson(hits: int, count: int) -> Estimate:
    """Estimate a share of independent draws.

    Raises:
        DataError: There is no draw.

    Example:
        >>> [round(limit, 4) for limit in wilson(8, 10).interval]
        [0.4902, 0.9433]
    """
    if count < 1:
        raise DataError("a share of no examples does not exist: give at least one example")
    low, high = _limits(hits / count, float(count))
    return Estimate(value=hits / count, low=low, high=high, count=count)


def wilson_clustered(
    hits: Int64[np.ndarray, " images"], sizes: Int64[np.ndarray, " images"]
) -> Estimate:
    """Estimate a share of draws that come in clusters, such as the captions of each image.

    Args:
        hits: Hits in each cluster.
        sizes: Draws in each cluster, all at least 1.

    Raises:
        DataError: There is no cluster.
    """
    clusters, draws = len(sizes), int(sizes.sum())
    if clusters < 1:
        raise DataError("a share of no examples does not exist: give at least one example")
    share = float(hits.sum()) / draws
    effective = float(clusters)  # nothing or all was a hit: the data cannot tell, so be careful
    if 0 < share < 1 and clusters > 1:
        errors = hits - share * sizes
        variance = clusters / (clusters - 1) * float((errors**2).sum()) / draws**2
        independent = share * (1 - share)
        most = float(draws)
        effective = min(most, independent / variance) if variance > 0 else most
    low, high = _limits(share, effective)
    return Estimate(value=share, low=low, high=high, count=draws)


def mean_over(groups: Sequence[Estimate]) -> Estimate:
    """Estimate the unweighted mean of independent figures; its count is the number of groups.

    Raises:
        DataError: There is no group.
    """
    if not groups:
        raise DataError("a mean over no groups does not exist: give at least one group")
    number = len(groups)
    value = sum(group.value for group in groups) / number
    below = sqrt(sum((group.value - group.low) ** 2 for group in groups)) / number
    above = sqrt(sum((group.high - group.value) ** 2 for group in groups)) / number
    return Estimate(
        value=value, low=max(0.0, value - below), high=min(1.0, value + above), count=number
    )
