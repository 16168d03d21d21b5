from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sightline.errors import TextError
from sightline.scoring import Class, class_vectors, similarity
from sightline.scoring.vectors import unit

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
