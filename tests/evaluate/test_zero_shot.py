import numpy as np
import pytest

from sightline.evaluate import zero_shot
from sightline.evaluate.figures import Described
from sightline.evaluate.zero_shot import group_figures, zero_shot_figures

AXES = np.eye(7, dtype=np.float32)
NAMES = list("abcdefg")


def described(*labels: str) -> list[Described]:
    return [Described(key=str(i), texts=(), label=x, group={}) for i, x in enumerate(labels)]


def test_top_five_is_measured_where_there_are_more_than_five_classes() -> None:
    image = np.array([[0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]] * 3, dtype=np.float32)
    figures = zero_shot_figures(image, AXES, NAMES, described("a", "e", "f"))
    assert figures.metrics["acc1"].value == pytest.approx(1 / 3)
    assert figures.metrics["acc5"].value == pytest.approx(2 / 3)
    few = zero_shot_figures(image, AXES[:5], NAMES[:5], described("a", "e", "b"))
    assert "acc5" not in few.metrics


def test_classes_without_an_image_are_not_averaged() -> None:
    figures = zero_shot_figures(AXES[[0, 0, 1]], AXES, NAMES, described("a", "b", "b"))
    assert [each.name for each in figures.classes] == ["a", "b"]
    assert figures.metrics["mean_per_class_recall"].value == pytest.approx(0.75)
    assert figures.metrics["acc1"].value == pytest.approx(2 / 3)


def test_blocks_of_any_size_give_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    images = rng.standard_normal((40, 7)).astype(np.float32)
    examples = described(*(NAMES[i % 7] for i in range(40)))
    whole = zero_shot_figures(images, AXES, NAMES, examples)
    monkeypatch.setattr("sightline.evaluate.metrics.BLOCK_CELLS", 20)
    assert zero_shot_figures(images, AXES, NAMES, examples) == whole


def test_mistakes_are_the_most_confident_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_shot, "MOST_MISTAKES", 2)
    images = np.array([[0, 0.1], [0, 0.3], [0, 0.2], [1, 0]], dtype=np.float32)
    examples = described("a", "a", "a", "a")
    figures = zero_shot_figures(images, AXES[:2, :2], NAMES[:2], examples)
    assert [(each.key, each.taken_for) for each in figures.mistakes] == [("1", "b"), ("2", "b")]
    assert [each.margin for each in figures.mistakes] == pytest.approx([0.3, 0.2])


def test_groups_are_averaged_without_their_sizes() -> None:
    hits = np.array([True, True, True, False, False])
    groups = [{"sky": "day"}] * 4 + [{"sky": "night"}]
    metrics, worst, left_out = group_figures(hits, groups)
    assert metrics["acc1/sky"].value == pytest.approx(0.375)
    # control: the mean over images is another number
    assert hits.mean() == pytest.approx(0.6)
    assert (metrics["acc1/sky/day"].value, metrics["acc1/sky/night"].count) == (0.75, 1)
    assert (worst, left_out) == ({"sky": "night"}, {})


def test_an_image_without_a_field_is_not_in_its_groups() -> None:
    hits = np.array([True, False, False])
    metrics, _, _ = group_figures(hits, [{"sky": "day"}, {"sky": ""}, {}])
    assert [metrics[f"acc1/sky/{value}"].count for value in ("day", "")] == [1, 1]


def test_a_field_that_repeats_the_label_is_left_out_and_said() -> None:
    examples = [
        Described(key=str(i), texts=(), label=label, group={"shape": label, "texture": texture})
        for i, (label, texture) in enumerate([("a", "b"), ("b", "a"), ("b", "b")])
    ]
    figures = zero_shot_figures(AXES[[0, 1, 1]], AXES, NAMES, examples)
    assert figures.groups_left_out == {"shape": "it repeats the label"}
    assert set(figures.worst) == {"texture"}


def test_a_field_of_measurements_is_left_out_and_said() -> None:
    groups = [{"age": str(i), "sky": "day"} for i in range(33)]
    assert group_figures(np.ones(32, dtype=bool), groups[:32])[2] == {}
    metrics, worst, left_out = group_figures(np.ones(33, dtype=bool), groups)
    assert set(metrics) == {"acc1/sky", "acc1/sky/day"}
    assert left_out == {"age": "33 values, more than 32"}
    assert worst == {"sky": "day"}


def test_a_field_whose_name_would_part_a_metric_s_is_left_out_and_said() -> None:
    metrics, _, left_out = group_figures(np.array([True, False]), [{"age/sex": "1/a"}] * 2)
    assert metrics == {}
    assert left_out == {"age/sex": "its name has a /, which parts the names of metrics"}
