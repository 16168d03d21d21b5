import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.verify.paired import Z, change


def rows(both: int, gained: int, lost: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Return answers before and after, so many of each kind."""
    before = [True] * both + [False] * gained + [True] * lost + [False] * neither
    after = [True] * both + [True] * gained + [False] * lost + [False] * neither
    return np.array(before), np.array(after)


def test_a_change_is_counted_in_points() -> None:
    before, after = rows(50, 2, 7, 41)
    found = change(before, after, np.arange(100))
    assert found.queries == 100
    assert found.before == pytest.approx(57)
    assert found.points == pytest.approx(-5)


def test_the_interval_is_that_of_agresti_and_min() -> None:
    # Their formula for 2 gained and 7 lost of 100: (2.5 - 7.5) / 102, and its variance
    before, after = rows(50, 2, 7, 41)
    found = change(before, after, np.arange(100))
    shrunk = (2.5 - 7.5) / 102
    half = Z * np.sqrt((2.5 + 7.5 - (2.5 - 7.5) ** 2 / 102) / 102**2)
    assert found.low == pytest.approx(100 * (shrunk - half), rel=0.01)
    assert found.high == pytest.approx(100 * (shrunk + half), rel=0.01)


def test_few_queries_without_a_change_are_not_certain() -> None:
    before, after = rows(5, 0, 0, 5)
    found = change(before, after, np.arange(10))
    assert found.points == 0
    assert found.high == -found.low > 20


def test_captions_of_one_picture_count_together() -> None:
    before, after = rows(50, 10, 10, 30)
    order = np.random.default_rng(0).permutation(100)
    apart = change(before[order], after[order], np.arange(100))
    together = change(before, after, np.arange(100) // 5)
    assert together.high - together.low > 1.8 * (apart.high - apart.low)


def test_a_picture_without_a_query_counts_for_nothing() -> None:
    before, after = rows(5, 1, 2, 2)
    assert change(before, after, np.arange(10)) == change(before, after, 3 * np.arange(10))


@given(
    kinds=st.tuples(*[st.integers(0, 6)] * 4).filter(any),
    pictures=st.integers(1, 5),
)
def test_a_change_lies_within_its_interval(kinds: tuple[int, int, int, int], pictures: int) -> None:
    before, after = rows(*kinds)
    found = change(before, after, np.arange(len(before)) % pictures)
    assert -100 <= found.low <= found.points <= found.high <= 100
    again = change(after, before, np.arange(len(before)) % pictures)
    assert again.points == pytest.approx(-found.points)
    assert again.low == pytest.approx(-found.high)
