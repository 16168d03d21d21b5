import numpy as np
import pytest

from sightline.errors import TextError
from sightline.scoring import Calibration, Classification, Head, ZeroShotHead

EYE = np.eye(3, dtype=np.float32)
HEAD = ZeroShotHead(
    labels=("cat", "dog", "owl"),
    vectors=EYE,
    head=Head(kind="softmax", scale=10),
    calibration=None,
)


def test_a_picture_is_named_after_the_nearest_label() -> None:
    answer = HEAD.classify(EYE[[2, 0]])
    assert answer.best() == ["owl", "cat"]
    assert answer.scores.dtype == np.float32
    assert answer.none is None


def test_the_golden_share_of_three_orthogonal_labels() -> None:
    # softmax of (10, 0, 0) by hand: 1 / (1 + 2 exp(-10))
    assert HEAD.classify(EYE[:1]).scores[0, 0] == pytest.approx(0.99990921, abs=1e-7)


def test_control_unscaled_cosines_would_give_another_share() -> None:
    assert HEAD.classify(EYE[:1]).scores[0, 0] != pytest.approx(np.e / (np.e + 2), abs=0.1)


def test_no_pictures_give_no_rows() -> None:
    answer = HEAD.classify(np.zeros((0, 3), np.float32))
    assert (answer.scores.shape, answer.best(), answer.top(2)) == ((0, 3), [], [])


def test_a_calibrated_head_can_say_none_of_these() -> None:
    calibration = Calibration(temperature=1.0, null_logit=5.0, fitted_on="toys")
    head = ZeroShotHead(labels=HEAD.labels, vectors=EYE, head=HEAD.head, calibration=calibration)
    odd = np.full((1, 3), 0.3, np.float32)
    assert head.classify(np.concatenate([EYE[:1], odd])).best() == ["cat", None]
    assert head.classify(odd, none_of_these=False).none is None


def made(scores: list[list[float]]) -> Classification:
    return Classification(labels=("a", "b", "c"), scores=np.array(scores, np.float32), none=None)


def test_the_top_labels_come_best_first_and_ties_in_the_order_given() -> None:
    assert made([[0.25, 0.5, 0.25]]).top(2) == [(("b", 0.5), ("a", 0.25))]


def test_more_than_all_labels_is_all_of_them() -> None:
    assert len(made([[0.25, 0.5, 0.25]]).top(9)[0]) == 3


def test_the_top_none_is_refused() -> None:
    with pytest.raises(TextError) as caught:
        made([[1, 0, 0]]).top(0)
    assert str(caught.value) == "top 0 labels were asked for: ask for at least 1"
