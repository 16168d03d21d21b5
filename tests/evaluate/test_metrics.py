import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.evaluate import metrics
from sightline.evaluate.metrics import (
    caption_ranks,
    confusions,
    cosines,
    decisions,
    image_ranks,
    label_ranks,
    per_label,
)

# Tiny whole numbers: ties come up in every run.
CELL = st.integers(-2, 2)


def matrix(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def rows_of(width: int, most: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=most)


def slow_label_rank(scores: list[int], right: int) -> int:
    """Oracle: sort with the right class behind its equals and look where it stands."""
    order = sorted(range(len(scores)), key=lambda c: (-scores[c], c == right))
    return order.index(right)


def slow_is_image_hit(scores: list[int], own: set[int], k: int) -> bool:
    """Oracle: the first k captions, own ones behind their equals; is one of them own?"""
    order = sorted(range(len(scores)), key=lambda c: (-scores[c], c in own))
    return bool(own & set(order[:k]))


def test_ranks_of_a_matrix_that_one_can_check_by_eye() -> None:
    scores = matrix([[9, 1, 2], [5, 4, 3], [5, 4, 3], [5, 4, 3], [7, 7, 0]])
    truth = np.array([0, 0, 1, 2, 1])
    assert label_ranks(scores, truth).tolist() == [0, 0, 1, 2, 1]
    assert decisions(scores, truth).tolist() == [0, 0, 0, 0, 0]


@given(rows=rows_of(4, 6), data=st.data())
def test_label_ranks_equal_the_slow_ones(rows: list[list[int]], data: st.DataObject) -> None:
    truth = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    want = [slow_label_rank(row, right) for row, right in zip(rows, truth, strict=True)]
    assert label_ranks(matrix(rows), np.array(truth)).tolist() == want


@given(rows=rows_of(3, 6), data=st.data())
def test_a_decision_is_right_exactly_where_the_rank_is_zero(
    rows: list[list[int]], data: st.DataObject
) -> None:
    truth = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    scores, right = matrix(rows), np.array(truth)
    decided = decisions(scores, right)
    assert ((decided == right) == (label_ranks(scores, right) == 0)).all()
    strongest = scores[np.arange(len(rows)), decided]
    assert (strongest == scores.max(axis=1)).all()


def test_a_tower_that_says_the_same_of_everything_scores_nothing() -> None:
    same = np.full((4, 3), 0.5, dtype=np.float32)
    truth = np.array([0, 1, 2, 0])
    assert label_ranks(same, truth).tolist() == [2, 2, 2, 2]
    # control: the usual way rewards it for the order of the classes
    assert (same.argmax(axis=1) == truth).any()


def test_scores_that_are_not_numbers_never_win() -> None:
    scores = matrix([[1, 0], [0, 1]])
    scores[0, 0] = np.nan  # the right one
    scores[1, 0] = np.nan  # a wrong one
    truth = np.array([0, 1])
    assert label_ranks(scores, truth).tolist() == [1, 1]
    assert decisions(scores, truth).tolist() == [1, 0]
    # control: `at least` instead of `not below` lets the first one win
    assert not (scores >= scores[[0, 1], truth][:, None])[0].any()


def test_equal_vectors_have_equal_scores_at_any_place() -> None:
    rng = np.random.default_rng(5)
    vector = rng.standard_normal(67).astype(np.float32)
    columns = np.tile(vector, (131, 1))
    queries = rng.standard_normal((7, 67)).astype(np.float32)
    assert (cosines(queries, columns) == cosines(queries, columns)[:, :1]).all()


def test_retrieval_ranks_of_a_matrix_that_one_can_check_by_eye() -> None:
    images = matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    # caption:           0          1          2          3          4
    captions = matrix([[3, 1, 0], [0, 2, 1], [0, 4, 5], [0, 0, 9], [8, 0, 1]])
    owners = np.array([0, 0, 1, 2, 2])
    # 0: image 0 leads. 1: images 1 and 2 lead image 0. 2: image 2 leads. 3: leads. 4: image 0 leads
    assert caption_ranks(images, captions, owners).tolist() == [0, 2, 1, 0, 1]
    # image 0: caption 4 (8) beats its own 3. image 1: own 4 leads. image 2: own 9 leads
    assert image_ranks(images, captions, owners).tolist() == [1, 0, 0]


@given(images=rows_of(2, 4), captions=rows_of(2, 7), cells=st.integers(1, 9), data=st.data())
def test_retrieval_hits_equal_the_slow_ones_in_blocks_of_any_size(
    images: list[list[int]], captions: list[list[int]], cells: int, data: st.DataObject
) -> None:
    last = len(images) - 1
    owner = st.lists(st.integers(0, last), min_size=len(captions), max_size=len(captions))
    owners = np.array(data.draw(owner))
    scores = (matrix(captions) @ matrix(images).T).astype(int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "BLOCK_CELLS", cells)
        text_to_image = caption_ranks(matrix(images), matrix(captions), owners)
        image_to_text = image_ranks(matrix(images), matrix(captions), owners)
    want = [slow_label_rank(row.tolist(), own) for row, own in zip(scores, owners, strict=True)]
    assert text_to_image.tolist() == want
    for image, rank in enumerate(image_to_text):
        own = set(np.flatnonzero(owners == image).tolist())
        for k in (1, 2, 5):
            hit = slow_is_image_hit(scores[:, image].tolist(), own, k)
            assert hit == bool(own and rank < k)


def test_own_captions_do_not_push_each_other_out() -> None:
    images = matrix([[1, 0], [0, 1]])
    captions = matrix([[5, 0], [4, 0], [3, 0], [2, 9]])
    owners = np.array([0, 0, 0, 1])
    assert image_ranks(images, captions, owners).tolist() == [0, 0]
    # control: ranking one fixed caption of the image, as if it were the only one, is not this
    assert label_ranks(cosines(images, captions), np.array([2, 3])).tolist() == [2, 0]


def test_an_image_without_a_caption_is_never_a_hit() -> None:
    images, captions = matrix([[1, 0], [0, 1]]), matrix([[1, 0], [1, 0]])
    assert image_ranks(images, captions, np.array([0, 0])).tolist() == [0, 2]


def test_hits_are_counted_per_label() -> None:
    hits = np.array([True, False, True, True])
    right, counts = per_label(hits, np.array([0, 0, 2, 2]), 4)
    assert (right.tolist(), counts.tolist()) == ([1, 0, 2, 0], [2, 0, 2, 0])


def test_confusions_are_the_frequent_mistakes_in_order() -> None:
    truth = np.array([0, 0, 0, 1, 1, 2, 2])
    decided = np.array([1, 1, 0, 2, 0, 2, 1])
    assert confusions(truth, decided, 3) == [(0, 1, 2), (1, 0, 1), (1, 2, 1)]
    assert confusions(truth, truth, 3) == []
