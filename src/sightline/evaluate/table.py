"""Results as rows that a person reads, for the terminal and for the card. Enter at `rows`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sightline.evaluate.result import Result

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
    count: str  # what it was counted on


def rows(results: Iterable[Result]) -> Iterator[Row]:
    """Give one row for each set and metric, in the order in which they were measured."""
    for result in results:
        for name, value in result.metrics.items():
            low, high = result.intervals[name]
            yield Row(
                dataset=result.dataset,
                metric=metric_words(name, result.worst),
                value=f"{value:.3f}",
                interval=f"{low:.3f} to {high:.3f}",
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


def _counted(name: str) -> str:
    """Say what the count of a metric counts."""
    if name == "mean_per_class_recall":
        return "classes"
    if name.count("/") == 1:
        return "groups"
    return "captions" if name.startswith("image_retrieval") else "images"
