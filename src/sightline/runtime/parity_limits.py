"""How far a tower may be from the reference, by precision. Enter at `LIMITS`."""

from collections.abc import Mapping

import msgspec

from sightline.runtime.parity_figures import Count, Distance, Points, Share, Spread


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every figure of a candidate is held to."""

    cosine: Spread  # at least
    centred: Spread  # at least
    batch: Distance  # at most
    exact: Distance = 3e-5  # at most; engines in float32 are within 1e-6, a wrong GELU beyond 1e-4
    first_changed: Share  # at most
    first_ten_kept: Share  # at least
    agreement: Share  # at least
    lost_points: Points  # at most, but for what may be chance
    excluded_points: Points  # a larger loss has to be excluded by the interval
    images: Count  # at least so many different ones
    texts: Count


def stricter(one: Limits, other: Limits) -> Limits:
    """Return of each limit the one that lets less pass."""
    return Limits(
        cosine=_higher(one.cosine, other.cosine),
        centred=_higher(one.centred, other.centred),
        batch=min(one.batch, other.batch),
        exact=min(one.exact, other.exact),
        first_changed=min(one.first_changed, other.first_changed),
        first_ten_kept=max(one.first_ten_kept, other.first_ten_kept),
        agreement=max(one.agreement, other.agreement),
        lost_points=min(one.lost_points, other.lost_points),
        excluded_points=min(one.excluded_points, other.excluded_points),
        images=max(one.images, other.images),
        texts=max(one.texts, other.texts),
    )


def _higher(one: Spread, other: Spread) -> Spread:
    return Spread(
        least=max(one.least, other.least),
        percentile_1=max(one.percentile_1, other.percentile_1),
        median=max(one.median, other.median),
    )


def _spread(least: float, percentile_1: float, median: float) -> Spread:
    return Spread(least=least, percentile_1=percentile_1, median=median)


# Between what towers that are right show and what planted faults show, each with room;
# docs/decisions.md has the figures. Losses: as published for OpenVINO, a tenth of a point where
# only weights are rounded and one and a half where everything is.
LIMITS: Mapping[str, Limits] = {
    "float32": Limits(  # in another engine
        cosine=_spread(1 - 1e-9, 1 - 1e-9, 1 - 1e-10),
        centred=_spread(1 - 1e-8, 1 - 2e-9, 1 - 1e-9),
        batch=1e-5,
        first_changed=0.002,
        first_ten_kept=0.999,
        agreement=0.999,
        lost_points=0.1,
        excluded_points=1.5,
        images=500,
        texts=100,
    ),
    "bfloat16": Limits(
        cosine=_spread(0.999, 0.9995, 0.9998),
        centred=_spread(0.997, 0.998, 0.999),
        batch=0.015,
        first_changed=0.1,
        first_ten_kept=0.95,
        agreement=0.97,
        lost_points=0.1,
        excluded_points=2.0,
        images=500,
        texts=100,
    ),
    "float16": Limits(
        cosine=_spread(0.99998, 0.99999, 0.999995),
        centred=_spread(0.9999, 0.99995, 0.99998),
        batch=0.003,
        first_changed=0.03,
        first_ten_kept=0.99,
        agreement=0.99,
        lost_points=0.1,
        excluded_points=2.0,
        images=500,
        texts=100,
    ),
    "int8-weights": Limits(  # computed in float32
        cosine=_spread(0.998, 0.9985, 0.9995),
        centred=_spread(0.996, 0.997, 0.999),
        batch=1e-5,
        first_changed=0.1,
        first_ten_kept=0.95,
        agreement=0.97,
        lost_points=0.1,
        excluded_points=2.0,
        images=500,
        texts=100,
    ),
    "int8": Limits(
        cosine=_spread(0.96, 0.985, 0.995),
        centred=_spread(0.95, 0.98, 0.993),
        batch=0.01,
        first_changed=0.15,
        first_ten_kept=0.9,
        agreement=0.94,
        lost_points=1.5,
        excluded_points=3.0,
        images=500,
        texts=100,
    ),
}
