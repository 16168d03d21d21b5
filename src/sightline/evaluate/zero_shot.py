"""Accuracy of naming images from a list of classes: over all, per class, per group.

Enter at `zero_shot_figures`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sightline.evaluate.figures import Described, Figures
from sightline.evaluate.intervals import Estimate, mean_over, wilson
from sightline.evaluate.metrics import (
    blocks,
    confusions,
    cosines,
    decisions,
    label_ranks,
    per_label,
)
from sightline.evaluate.result import ClassFigure, Confusion, Mistake
from sightline.shapes import Bool, Float32, Int64

MOST_CONFUSIONS = 30
MOST_MISTAKES = 60
MOST_GROUP_VALUES = 32  # a field with more is a measurement (an age in years), not a group


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the model answered for each image."""

    ranks: Int64[np.ndarray, " images"]
    decided: Int64[np.ndarray, " images"]
    margins: Float32[np.ndarray, " images"]  # cosine of the decided class above the right one's


def zero_shot_figures(
    images: Float32[np.ndarray, "images embed_dim"],
    classes: Float32[np.ndarray, "classes embed_dim"],
    names: Sequence[str],
    examples: Sequence[Described],
) -> Figures:
    """Measure how often each image's right class scores above the others.

    Args:
        images: Unit vectors.
        classes: Unit vectors of the classes, in the order of `names`.
        names: All classes the model may choose from.
        examples: One for each image, with a label among `names`.
    """
    place = {name: i for i, name in enumerate(names)}
    truth = np.array([place[each.label or ""] for each in examples], dtype=np.int64)
    answers = answer(images, classes, truth)
    hits = answers.ranks == 0
    metrics = {"acc1": wilson(int(hits.sum()), len(hits))}
    if len(names) > 5:  # among five classes or fewer the first five are all of them
        metrics["acc5"] = wilson(int((answers.ranks < 5).sum()), len(hits))
    by_class = _class_figures(hits, truth, names)
    metrics["mean_per_class_recall"] = mean_over([figure.recall for figure in by_class])
    groups, same = _without_labels(examples)
    by_group, worst, left_out = group_figures(hits, groups)
    return Figures(
        metrics=metrics | by_group,
        worst=worst,
        groups_left_out=dict.fromkeys(same, "it repeats the label") | left_out,
        classes=by_class,
        confusions=_confusions(truth, answers.decided, names),
        mistakes=_mistakes(answers, truth, names, [each.key for each in examples]),
    )


def answer(
    images: Float32[np.ndarray, "images embed_dim"],
    classes: Float32[np.ndarray, "classes embed_dim"],
    truth: Int64[np.ndarray, " images"],
) -> Answers:
    """Score every image against every class, a block of images at a time."""
    ranks, decided = np.empty_like(truth), np.empty_like(truth)
    margins = np.empty(len(truth), dtype=np.float32)
    for block in blocks(len(images), len(classes)):
        scores, right = cosines(images[block], classes), truth[block]
        rows = np.arange(len(right))
        ranks[block] = label_ranks(scores, right)
        decided[block] = decisions(scores, right)
        margins[block] = scores[rows, decided[block]] - scores[rows, right]
    return Answers(ranks=ranks, decided=decided, margins=margins)


def group_figures(
    hits: Bool[np.ndarray, " images"], groups: Sequence[Mapping[str, str]]
) -> tuple[dict[str, Estimate], dict[str, str], dict[str, str]]:
    """Measure each value of each group field, and the unweighted mean over its values.

    An image that lacks a field is not counted there.

    Returns:
        Estimates by metric name (`acc1/domain/photo`, and `acc1/domain` for the mean over domains),
        the worst value of each field, and the fields that were left out with the reason.
    """
    metrics: dict[str, Estimate] = {}
    worst: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for field in sorted({field for group in groups for field in group}):
        if "/" in field:
            left_out[field] = "its name has a /, which parts the names of metrics"
            continue
        values = np.array([group.get(field, "") for group in groups])
        present = np.array([field in group for group in groups])
        found = sorted(set(values[present].tolist()))
        if len(found) > MOST_GROUP_VALUES:
            left_out[field] = f"{len(found)} values, more than {MOST_GROUP_VALUES}"
            continue
        figures = {}
        for value in found:
            members = hits[present & (values == value)]
            figures[value] = wilson(int(members.sum()), len(members))
        metrics[f"acc1/{field}"] = mean_over(list(figures.values()))
        metrics |= {f"acc1/{field}/{value}": figure for value, figure in figures.items()}
        worst[field] = min(found, key=lambda value: figures[value].value)
    return metrics, worst, left_out


def _without_labels(
    examples: Sequence[Described],
) -> tuple[list[Mapping[str, str]], list[str]]:
    """Drop the group fields that only repeat the label; give the groups and those fields."""
    fields = sorted({field for each in examples for field in each.group})
    same = [
        field
        for field in fields
        if all(each.group.get(field, each.label) == each.label for each in examples)
    ]
    kept = [{f: v for f, v in each.group.items() if f not in same} for each in examples]
    return list(kept), same


def _class_figures(
    hits: Bool[np.ndarray, " images"], truth: Int64[np.ndarray, " images"], names: Sequence[str]
) -> tuple[ClassFigure, ...]:
    """Estimate the recall of each class that has an image."""
    right, counts = per_label(hits, truth, len(names))
    return tuple(
        ClassFigure(name=name, recall=wilson(int(right[i]), int(counts[i])))
        for i, name in enumerate(names)
        if counts[i]
    )


def _confusions(
    truth: Int64[np.ndarray, " images"], decided: Int64[np.ndarray, " images"], names: Sequence[str]
) -> tuple[Confusion, ...]:
    """Name the most frequent mistakes."""
    counts = np.bincount(truth, minlength=len(names))
    return tuple(
        Confusion(label=names[right], taken_for=names[wrong], count=count, of=int(counts[right]))
        for right, wrong, count in confusions(truth, decided, MOST_CONFUSIONS)
    )


def _mistakes(
    answers: Answers, truth: Int64[np.ndarray, " images"], names: Sequence[str], keys: Sequence[str]
) -> tuple[Mistake, ...]:
    """List the mistakes with the largest margin; equal ones in the order of their keys."""
    wrong = np.flatnonzero(answers.ranks > 0).tolist()
    wrong.sort(key=lambda i: (-float(answers.margins[i]), keys[i]))
    return tuple(
        Mistake(
            key=keys[i],
            label=names[truth[i]],
            taken_for=names[answers.decided[i]],
            margin=float(answers.margins[i]),
        )
        for i in wrong[:MOST_MISTAKES]
    )
