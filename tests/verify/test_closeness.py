import numpy as np
import pytest

from sightline.evaluate import metrics
from sightline.scoring.vectors import unit
from sightline.verify.closeness import centred, spread


def vectors(count: int = 50, seed: int = 0) -> np.ndarray:
    """Return unit vectors drawn at random."""
    return unit(np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32))


def turned(rows: np.ndarray, angle: float) -> np.ndarray:
    """Return vectors turned by an angle, each towards a direction square to it."""
    other = vectors(len(rows), 1).astype(np.float64)
    square = other - (other * rows).sum(1, keepdims=True) * rows
    square /= np.linalg.norm(square, axis=1, keepdims=True)
    return np.asarray(np.cos(angle) * rows + np.sin(angle) * square, np.float32)


def test_cosines_are_those_of_the_angle() -> None:
    found = spread(vectors(), turned(vectors(), 0.1))
    assert found.least == pytest.approx(np.cos(0.1), abs=1e-7)
    assert found.median == pytest.approx(np.cos(0.1), abs=1e-7)


def test_what_float32_itself_rounds_is_told_from_what_it_does_not() -> None:
    near = spread(vectors(), turned(vectors(), 1e-4))
    assert 1 - near.least == pytest.approx(5e-9, rel=0.1)
    assert 1 - spread(vectors(), vectors()).least == 0


def test_one_bad_vector_is_the_lowest_and_not_the_median() -> None:
    candidate = vectors(200).copy()
    candidate[7] = -candidate[7]
    found = spread(vectors(200), candidate)
    assert (found.least, found.percentile_1, found.median) == (-1.0, 1.0, 1.0)


def test_a_common_part_hides_what_centring_shows() -> None:
    common = np.full(8, 20 / np.sqrt(8), np.float32)
    one, other = unit(vectors(seed=2) + common), unit(vectors(seed=3) + common)
    assert spread(one, other).least > 0.98
    assert centred(one, other).median < 0.6


def test_a_shift_of_all_is_seen_after_centring_too() -> None:
    shift = np.eye(8, dtype=np.float32)[0]
    assert centred(vectors(), unit(vectors() + 0.3 * shift)).median < 0.97


def test_a_vector_that_is_the_mean_has_no_direction_and_is_left_out() -> None:
    rows = unit(np.array([[1, 1], [1, -1], [1, 0]], np.float32))
    rows[2] = rows.mean(axis=0)
    mean = rows.mean(axis=0)
    assert np.linalg.norm(rows[2] - mean) < np.linalg.norm(rows[0] - mean)
    assert centred(rows[:1], rows[:1]).least == 0.0  # the only one is the mean itself


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = centred(vectors(), turned(vectors(), 0.2))
    monkeypatch.setattr(metrics, "BLOCK_CELLS", 24)
    assert centred(vectors(), turned(vectors(), 0.2)) == whole
