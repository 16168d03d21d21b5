import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sightline.errors import CheckpointError
from sightline.scoring import Calibration, Head
from sightline.scoring.presence import calibration_from, score

SOFTMAX = Head(kind="softmax", scale=100)
SIGMOID = Head(kind="sigmoid", scale=10, bias=-10)
logits_of_three = arrays(np.float64, (2, 3), elements=st.floats(-200, 200))


@given(logits_of_three)
def test_softmax_shares_sum_to_one_over_the_labels(logits: np.ndarray) -> None:
    scores, none = score(SOFTMAX, logits, None, None)
    assert none is None
    assert scores.sum(axis=1) == pytest.approx([1, 1])
    # written another way: each share by its definition, with the others relative to it
    spelled = [[1 / sum(math.exp(min(a - b, 700)) for a in row) for b in row] for row in logits]
    assert scores == pytest.approx(np.array(spelled), rel=1e-6, abs=1e-12)


@given(logits_of_three)
def test_sigmoid_judges_each_label_by_itself(logits: np.ndarray) -> None:
    scores, _ = score(SIGMOID, logits, None, None)
    spelled = [[1 / (1 + math.exp(min(-value, 700))) for value in row] for row in logits]
    assert scores == pytest.approx(np.array(spelled), abs=1e-12)


@given(logits_of_three, st.floats(0.1, 10), st.floats(-50, 50))
def test_with_a_calibration_labels_compete_with_the_null_answer(
    logits: np.ndarray, temperature: float, null_logit: float
) -> None:
    calibration = Calibration(temperature=temperature, null_logit=null_logit, fitted_on="toys")
    scores, none = score(SOFTMAX, logits, calibration, None)
    assert none is not None
    assert scores.sum(axis=1) + none == pytest.approx([1, 1])
    beaten = none > scores.max(axis=1)
    assert (beaten <= (null_logit >= logits.max(axis=1))).all()


def test_the_null_logit_is_on_the_scale_of_the_models_own_logits() -> None:
    calibration = Calibration(temperature=5.0, null_logit=20.0, fitted_on="toys")
    scores, none = score(SOFTMAX, np.array([[20.0, 20.0]]), calibration, None)
    assert none is not None
    assert [*scores[0], none[0]] == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_temperature_holds_when_none_of_these_is_turned_off() -> None:
    calibration = Calibration(temperature=2.0, null_logit=1000.0, fitted_on="toys")
    scores, none = score(SOFTMAX, np.array([[math.log(16), 0.0]]), calibration, False)
    assert none is None
    assert scores[0] == pytest.approx([0.8, 0.2])


def test_sigmoid_none_is_that_every_label_fails() -> None:
    calibration = Calibration(temperature=1.0, null_logit=3.0, fitted_on="toys")
    scores, none = score(SIGMOID, np.array([[3.0, 3.0]]), calibration, True)
    assert none is not None
    assert [*scores[0], none[0]] == pytest.approx([0.5, 0.5, 0.25])


def test_none_of_these_without_a_calibration_is_refused() -> None:
    with pytest.raises(CheckpointError) as caught:
        score(SOFTMAX, np.zeros((1, 2)), None, True)
    assert str(caught.value) == (
        "this model carries no calibration, so it cannot say 'none of these': "
        "fit one, or leave none_of_these off"
    )


@pytest.mark.parametrize(
    ("temperature", "null_logit", "sentence"),
    [
        (0.0, 1.0, "calibration temperature is 0.0: it must be a positive number"),
        (math.nan, 1.0, "calibration temperature is nan: it must be a positive number"),
        (1.0, math.inf, "calibration null_logit is inf: it must be a finite number"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(
    temperature: float, null_logit: float, sentence: str
) -> None:
    with pytest.raises(CheckpointError) as caught:
        Calibration(temperature=temperature, null_logit=null_logit, fitted_on="toys")
    assert str(caught.value) == sentence


def test_a_calibration_file_is_read_strictly() -> None:
    document = {"temperature": 1.5, "null_logit": 20.0, "fitted_on": "toys"}
    assert calibration_from(document) == Calibration(
        temperature=1.5, null_logit=20.0, fitted_on="toys"
    )
    with pytest.raises(CheckpointError) as caught:
        calibration_from({**document, "temprature": 1})
    assert str(caught.value) == (
        "calibration.json is not a calibration (Object contains unknown field `temprature`): "
        "fit it again or remove the file"
    )
