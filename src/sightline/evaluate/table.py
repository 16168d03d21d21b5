"""Results as rows that a person reads, for the terminal and for the card. Enter at `rows`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sightline.evaluate.result import Result

FEW_GROUPS = 8  # values of a group field that are all shown
_WORDS = {"acc1": "top-1", "acc5": "top-5", "mean_per_class_recall": "mean of classes"}
_DIRECTIONS = {
    "image_retrieval_recall": "text→image recall",
    "text_retrieval_recall": "image→text recall",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure, in words."""

    dataset: str
    metric: str
    value: str  # three decimals
    interval: str
    chance: str  # what guessing gives
    count: str  # what it was counted on


def rows(results: Iterable[Result], *, every_group: bool = False) -> Iterator[Row]:
    """Give one row for each set and metric, in the order in which they were measured.

    Args:
        results: Of any models and sets.
        every_group: Otherwise a group field of many values has its mean and its worst one only.
    """
    for result in results:
        for name, value in result.metrics.items():
            if not (every_group or _is_shown(name, result)):
                continue
            low, high = result.intervals[name]
            yield Row(
                dataset=result.dataset,
                metric=metric_words(name, result.worst),
                value=f"{value:.3f}",
                interval=f"{low:.3f} to {high:.3f}",
                chance=f"{_chance(name, result):.3f}",
                count=f"{result.counts[name]:,} {_counted(name)}",
            )


def metric_words(name: str, worst: dict[str, str]) -> str:
    """Write a metric's name in words, marking the worst value of each group field.

    Example:
        >>> metric_words("acc1/domain/sketch", {"domain": "sketch"})
        'top-1, domain sketch (worst)'
    """
    kind, *group = name.split("/", 2)
    if not group:
        kind, _, cutoff = name.partition("@")
        return f"{_DIRECTIONS[kind]}@{cutoff}" if cutoff else _WORDS[kind]
    if len(group) == 1:
        return f"{_WORDS[kind]}, mean over {group[0]}"
    mark = " (worst)" if worst.get(group[0]) == group[1] else ""
    return f"{_WORDS[kind]}, {group[0]} {group[1]}{mark}"


def _is_shown(name: str, result: Result) -> bool:
    """Whether a metric is of all images, a mean, of a field of few values, or of the worst one."""
    _, *group = name.split("/", 2)
    if len(group) < 2:
        return True
    return result.counts[f"acc1/{group[0]}"] <= FEW_GROUPS or result.worst[group[0]] == group[1]


def _chance(name: str, result: Result) -> float:
    """Return what guessing gives, images being spread evenly over the answers."""
    cutoff = int(name.partition("@")[2] or (5 if name == "acc5" else 1))
    return min(1.0, cutoff / (result.identity.protocol.classes or result.identity.images))


def _counted(name: str) -> str:
    """Say what the count of a metric counts."""
    if name == "mean_per_class_recall":
        return "classes"
    if name.count("/") == 1:
        return "groups"
    return "captions" if name.startswith("image_retrieval") else "images"
