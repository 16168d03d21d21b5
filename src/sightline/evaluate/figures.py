"""What stands between a pass over a source and its `Result`. Enter at `Figures`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sightline.evaluate.intervals import Estimate
from sightline.evaluate.result import ClassFigure, Confusion, Mistake, Skip


@dataclass(frozen=True, kw_only=True)
class Described:
    """What an example says about its image."""

    key: str
    texts: tuple[str, ...]
    label: str | None
    group: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Estimates by metric name, and what a reader needs to see where a model fails."""

    metrics: dict[str, Estimate]
    worst: dict[str, str] = field(default_factory=dict)
    groups_left_out: dict[str, str] = field(default_factory=dict)
    classes: tuple[ClassFigure, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    left_out: tuple[Skip, ...] = ()  # examples that the task cannot use
    cut: int = 0  # captions longer than the model reads
