"""Each figure of a candidate beside its limit. Enter at `verdicts`."""

from collections.abc import Iterator
from math import ceil

import msgspec

from sightline.runtime.parity_figures import Change, Closeness, Figures, Flips, Recall, Spread
from sightline.runtime.parity_limits import Limits

_TOWERS = {"images": "pictures", "texts": "texts"}
_WAYS = {"image_to_text": "texts found for a picture", "text_to_image": "pictures found for a text"}
_PARTS = {"least": "the lowest", "percentile_1": "all but 1 %", "median": "the median"}
_NEARLY = 0.9999
_CUTOFFS = {"at_1": 1, "at_5": 5, "at_10": 10}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, as people read it."""

    what: str
    figure: str
    limit: str
    failure: str | None = None  # one sentence; None: within the limit


def verdicts(figures: Figures, limits: Limits) -> tuple[Verdict, ...]:
    """Hold every figure to its limit, in the order in which a person reads them.

    Args:
        figures: What was measured.
        limits: For the candidate's precision.
    """
    return tuple(_all(figures, limits))


def _all(figures: Figures, limits: Limits) -> Iterator[Verdict]:
    yield _exact(figures.exact, limits.exact)
    for side, of in _TOWERS.items():
        closeness: Closeness = getattr(figures, side)
        yield _enough(of, closeness.count, getattr(limits, side))
        yield from _spread(f"{of}: cosine", closeness.cosine, limits.cosine)
        yield from _spread(f"{of}: centred cosine", closeness.centred, limits.centred)
        yield _at_most(f"{of}: moved by another batch", closeness.batch, limits.batch)
    yield from _spread("classes: cosine", figures.prompts, limits.cosine)
    for way, what in _WAYS.items():
        yield from _flips(what, getattr(figures, way), limits)
    if figures.zero_shot is not None:
        yield _at_least("same class", figures.zero_shot.agreement, limits.agreement)
        yield _change("accuracy", figures.zero_shot.accuracy, limits)
    if figures.retrieval is not None:
        for way, what in _WAYS.items():
            yield from _recall(what, getattr(figures.retrieval, way), limits)
    if figures.zero_shot is None and figures.retrieval is None:
        yield _nothing_right()


def _exact(distance: float | None, most: float) -> Verdict:
    """Hold the engine itself: rounding moves vectors further than some wrong activations do."""
    what = "moved by the engine alone, in float32"
    if distance is not None:
        return _at_most(what, distance, most)
    return Verdict(
        what=what,
        figure="not measured",
        limit=f"≤ {most:g}",
        failure="the engine was not measured in float32, and rounding hides faults: certify with "
        "`exact`",
    )


def _enough(of: str, count: int, needed: int) -> Verdict:
    """Too few show nothing, however close they come."""
    failure = f"it was measured on {count:,} different {of} and needs {needed:,}: give more"
    return Verdict(
        what=f"different {of}",
        figure=f"{count:,}",
        limit=f"≥ {needed:,}",
        failure=failure if count < needed else None,
    )


def _nothing_right() -> Verdict:
    return Verdict(
        what="right answers",
        figure="none known",
        limit="some",
        failure="nothing says which answers are right: measure on pictures with labels or captions",
    )


def _at_least(what: str, value: float, least: float) -> Verdict:
    failure = f"{what} is {_shown(value)} where at least {_shown(least)} is needed"
    return Verdict(
        what=what,
        figure=_shown(value),
        limit=f"≥ {_shown(least)}",
        failure=None if value >= least else failure,
    )


def _shown(share: float) -> str:
    """Write a share so that nearly all can be told from all."""
    return f"{share:.6g}" if share < _NEARLY or share == 1 else f"1 − {1 - share:.2g}"


def _at_most(what: str, value: float, most: float) -> Verdict:
    failure = f"{what} is {value:.3g} where at most {most:g} is allowed"
    return Verdict(
        what=what,
        figure=f"{value:.3g}",
        limit=f"≤ {most:g}",
        failure=None if value <= most else failure,
    )


def _spread(what: str, found: Spread, least: Spread) -> Iterator[Verdict]:
    for part, name in _PARTS.items():
        yield _at_least(f"{what}, {name}", getattr(found, part), getattr(least, part))


def _flips(what: str, found: Flips, limits: Limits) -> Iterator[Verdict]:
    yield _at_most(f"{what}: first changed", found.first_changed, limits.first_changed)
    if found.first_ten_kept is not None:
        kept = f"{what}: first ten kept"
        yield _at_least(kept, found.first_ten_kept, limits.first_ten_kept)


def _recall(what: str, found: Recall, limits: Limits) -> Iterator[Verdict]:
    for name, cutoff in _CUTOFFS.items():
        change: Change | None = getattr(found, name)
        if change is not None:
            yield _change(f"{what}: recall@{cutoff}", change, limits)


def _change(what: str, change: Change, limits: Limits) -> Verdict:
    """Fail a loss that is too large and no chance, and one that too few queries leave open."""
    lost, allowed, excluded = -change.points, limits.lost_points, limits.excluded_points
    worst = -change.low
    failure = None
    if lost > allowed and change.high < 0:
        failure = (
            f"{what} lost {lost:.2f} points of {change.before:.1f} where at most {allowed:g} are "
            "allowed, and that is no chance"
        )
    elif worst > excluded:
        failure = (
            f"{what} may have lost {worst:.2f} points, and {change.queries:,} queries cannot "
            f"exclude more than {excluded:g}{_more(change, excluded)}"
        )
    interval = f"({change.low:+.2f} to {change.high:+.2f})"
    return Verdict(
        what=what,
        figure=f"{change.before:.1f} {change.points:+.2f} {interval}",
        limit=f"≥ −{allowed:g}, not below −{excluded:g}",
        failure=failure,
    )


def _more(change: Change, excluded: float) -> str:
    """Say how many queries would do if the change stays: an interval narrows with their root."""
    room = excluded + change.points
    if room <= 0:
        return ""
    needed = ceil(change.queries * ((change.points - change.low) / room) ** 2)
    return f": about {needed:,} would"
