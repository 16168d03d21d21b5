import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.evaluate import metrics
from sightline.scoring.vectors import unit
from sightline.verify.flips import Pair, flips


def drawn(count: int, seed: int) -> np.ndarray:
    """Return unit vectors drawn at random."""
    return unit(np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32))


def pair(count: int, seed: int, noise: float) -> Pair:
    """Return vectors, and the same a little moved."""
    rows = drawn(count, seed)
    return Pair(reference=rows, candidate=unit(rows + np.float32(noise) * drawn(count, seed + 9)))


@given(seed=st.integers(0, 99), noise=st.sampled_from([0.0, 0.1, 1.0]), among=st.integers(1, 30))
def test_counts_are_those_of_sorting_each_row(seed: int, noise: float, among: int) -> None:
    queries, candidates = pair(12, seed, noise), pair(among, seed + 1, noise)
    found = flips(queries, candidates)
    before = np.argsort(-queries.reference @ candidates.reference.T, axis=1)
    after = np.argsort(-queries.candidate @ candidates.candidate.T, axis=1)
    assert found.first_changed == pytest.approx((before[:, 0] != after[:, 0]).mean())
    if among <= 10:
        assert found.first_ten_kept is None
        return
    pairs = zip(before[:, :10], after[:, :10], strict=True)
    kept = [len(set(one) & set(other)) / 10 for one, other in pairs]
    assert found.first_ten_kept == pytest.approx(np.mean(kept))


def test_a_choice_among_near_equals_is_no_change() -> None:
    one = np.eye(4, dtype=np.float32)
    twice = np.concatenate([one, np.float32(0.999999) * one])
    other_way = np.concatenate([np.float32(0.9999) * one, one])  # the second of two comes first
    found = flips(Pair(reference=one, candidate=one), Pair(reference=twice, candidate=other_way))
    assert found.first_changed == 0.0


def test_blocks_of_queries_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, candidates = pair(40, 0, 0.3), pair(25, 1, 0.3)
    whole = flips(queries, candidates)
    monkeypatch.setattr(metrics, "BLOCK_CELLS", 75)
    assert flips(queries, candidates) == whole
    assert 0 < whole.first_changed < 1
