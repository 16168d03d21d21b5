from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sightline.errors import TextError
from sightline.scoring import Class, class_vectors, similarity
from sightline.scoring.vectors import mean_directions, unit

KNOWN = {"x": [1.0, 0, 0], "y": [0, 1.0, 0], "z": [0, 0, 1.0], "-x": [-1.0, 0, 0]}


def embed(texts: Sequence[str]) -> np.ndarray:
    return np.array([KNOWN[text] for text in texts], np.float32)


@given(arrays(np.float32, (3, 4), elements=st.floats(-(2.0**60), 2.0**60, width=32)))
def test_a_row_has_length_one_or_is_nan(vectors: np.ndarray) -> None:
    for row, given_row in zip(unit(vectors), vectors, strict=True):
        if given_row.any():
            assert np.linalg.norm(row.astype(np.float64)) == pytest.approx(1, abs=1e-6)
        else:
            assert np.isnan(row).all()


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_row_that_is_not_finite_becomes_nan(broken: float) -> None:
    assert np.isnan(unit(np.array([[1, broken]], np.float32))).all()


@given(
    drawn=arrays(np.float32, (6, 3), elements=st.floats(-1, 1, width=32)),
    weights=st.lists(st.integers(1, 9), min_size=6, max_size=6),
    counts=st.sampled_from([[6], [1, 5], [2, 1, 3], [1] * 6]),
)
def test_a_mean_direction_weighs_each_vector_of_its_group(
    drawn: np.ndarray, weights: list[int], counts: list[int]
) -> None:
    found = mean_directions(drawn, np.array(weights), np.array(counts))
    rest = list(zip(weights, drawn.astype(np.float64), strict=True))
    for row, count in zip(found, counts, strict=True):
        total = sum((weight * vector for weight, vector in rest[:count]), np.zeros(3))
        del rest[:count]
        length = np.linalg.norm(total)
        if length > 1e-3:
            assert row == pytest.approx(total / length, abs=1e-5)


def test_vectors_that_cancel_each_other_out_have_no_mean_direction() -> None:
    opposite = embed(["x", "-x"])
    assert np.isnan(mean_directions(opposite, np.array([3, 3]), np.array([2]))).all()
    nearly = np.array([[1, 0, 0], [-1, 5e-7, 0]], np.float32)  # what is left is rounding
    assert np.isnan(mean_directions(nearly, np.array([3, 3]), np.array([2]))).all()
    kept = mean_directions(opposite, np.array([3, 2]), np.array([2]))
    assert np.array_equal(kept, embed(["x"]))


def test_no_vectors_have_no_directions() -> None:
    none = np.zeros(0, np.int64)
    assert mean_directions(np.zeros((0, 3), np.float32), none, none).shape == (0, 3)


def test_names_count_equally_however_many_templates_each_has() -> None:
    # "x" with two templates would weigh double if all texts were averaged at once.
    classes = [Class("x", aliases=("y",)), Class("z")]
    found = class_vectors(embed, classes, ["{}"])
    assert found == pytest.approx(np.array([[0.5**0.5, 0.5**0.5, 0], [0, 0, 1]]), abs=1e-6)


def test_an_ensemble_averages_unit_vectors_and_normalises_again() -> None:
    [found] = class_vectors(embed, [Class("c", prompts=("x", "x", "y"))], ["{}"])
    assert found == pytest.approx(np.array([2, 1, 0]) / 5**0.5, abs=1e-6)


def test_control_a_mean_that_is_not_normalised_again_is_not_a_class_vector() -> None:
    [found] = class_vectors(embed, [Class("c", prompts=("x", "y"))], ["{}"])
    assert found != pytest.approx(embed(["x", "y"]).mean(axis=0), abs=0.1)


def test_texts_that_cancel_each_other_out_are_refused() -> None:
    with pytest.raises(TextError) as caught:
        class_vectors(embed, [Class("c", prompts=("x", "-x"))], ["{}"])
    assert str(caught.value) == (
        "the texts of class 'c' cancel each other out: give it fewer names or prompts"
    )


def test_similarity_is_the_cosine_of_every_pair() -> None:
    assert similarity(embed(["x", "y"]), embed(["y", "-x"])).tolist() == [[0, -1], [1, 0]]


def test_no_pictures_have_no_cosines() -> None:
    assert similarity(np.zeros((0, 3), np.float32), embed(["x"])).shape == (0, 1)
