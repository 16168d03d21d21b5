import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import DataError
from sightline.evaluate.intervals import Estimate, mean_over, wilson, wilson_clustered


def rounded(estimate: Estimate) -> list[float]:
    return [round(limit, 4) for limit in estimate.interval]


@pytest.mark.parametrize(
    ("hits", "count", "want"),
    # Newcombe, Statistics in Medicine 1998, table I, method 3: 81/263, 15/148, 0/20, 1/29
    [
        (81, 263, [0.2553, 0.3662]),
        (15, 148, [0.0624, 0.1605]),
        (0, 20, [0.0, 0.1611]),
        (1, 29, [0.0061, 0.1718]),
    ],
)
def test_wilson_gives_the_published_limits(hits: int, count: int, want: list[float]) -> None:
    assert rounded(wilson(hits, count)) == want


@given(count=st.integers(1, 400), data=st.data())
def test_wilson_limits_are_where_the_score_test_rejects(count: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, count))
    estimate = wilson(hits, count)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    for limit in estimate.interval:
        distance = (estimate.value - limit) ** 2 * count
        assert distance == pytest.approx(1.959964**2 * limit * (1 - limit), abs=1e-6)


@given(hits=st.lists(st.integers(0, 1), min_size=2, max_size=50))
def test_clusters_of_one_are_close_to_plain_wilson(hits: list[int]) -> None:
    ours = wilson_clustered(np.array(hits), np.ones(len(hits), dtype=np.int64))
    plain = wilson(sum(hits), len(hits))
    # the variance between clusters has n - 1 below it, so the effective size is one smaller
    assert (ours.value, ours.count) == (plain.value, plain.count)
    assert ours.low <= plain.low + 1e-12
    assert ours.high >= plain.high - 1e-12
    assert ours.high - ours.low < (plain.high - plain.low) * 1.3


def test_captions_that_succeed_together_count_as_one() -> None:
    hits = np.array([5, 0, 5, 0, 5, 0, 5, 0, 0, 0])
    together = wilson_clustered(hits, np.full(10, 5))
    assert together.count == 50
    assert together.high - together.low >= wilson(4, 10).high - wilson(4, 10).low
    # control: taken as independent the interval is less than half as wide
    plain = wilson(20, 50)
    assert (plain.high - plain.low) / (together.high - together.low) < 0.5


@pytest.mark.parametrize("hit", [0, 5])
def test_all_or_nothing_has_the_width_of_the_images_alone(hit: int) -> None:
    ours = wilson_clustered(np.full(30, hit), np.full(30, 5))
    assert ours.interval == wilson(30 * hit // 5, 30).interval


@pytest.mark.parametrize("hits", [[2, 2], [2, 3]])  # the same share in all images, or nearly
def test_even_shares_are_never_better_than_independent_captions(hits: list[int]) -> None:
    ours = wilson_clustered(np.array(hits * 15), np.full(30, 5))
    assert ours.interval == wilson(sum(hits) * 15, 150).interval


def coverage(clustered: bool) -> float:
    """Share of 400 simulated studies whose interval holds the truth: 60 images, 5 captions."""
    rng = np.random.default_rng(20261121)
    held = 0
    for _ in range(400):
        chances = rng.beta(0.6, 1.4, size=60)  # mean 0.3, images differ widely
        hits = rng.binomial(5, chances)
        sizes = np.full(60, 5)
        ours = wilson_clustered(hits, sizes) if clustered else wilson(int(hits.sum()), 300)
        held += ours.low <= 0.3 <= ours.high
    return held / 400


def test_clustered_intervals_hold_the_truth_as_often_as_they_say() -> None:
    assert 0.93 <= coverage(clustered=True) <= 0.97


def test_control_plain_intervals_of_correlated_captions_do_not() -> None:
    assert coverage(clustered=False) < 0.85


def test_the_mean_of_one_group_is_the_group() -> None:
    only, mean = wilson(3, 9), mean_over([wilson(3, 9)])
    assert mean.value == only.value
    assert mean.interval == pytest.approx(only.interval)


def test_a_mean_of_groups_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(20261121)
    chances = np.array([0.05, 0.2, 0.5, 0.9])
    held = 0
    for _ in range(400):
        mean = mean_over([wilson(int(h), 36) for h in rng.binomial(36, chances)])
        held += mean.low <= chances.mean() <= mean.high
    assert 0.93 <= held / 400 <= 0.98
    # control: pooling the images as one sample is too wide, its groups being given, not drawn
    pooled = wilson(round(36 * 4 * chances.mean()), 36 * 4)
    assert pooled.high - pooled.low > 1.2 * (mean.high - mean.low)


def test_a_share_of_nothing_is_refused() -> None:
    none = np.array([], dtype=np.int64)
    want = "a share of no examples does not exist: give at least one example"
    with pytest.raises(DataError) as plain:
        wilson(0, 0)
    with pytest.raises(DataError) as clustered:
        wilson_clustered(none, none)
    assert [str(plain.value), str(clustered.value)] == [want, want]


def test_a_mean_over_nothing_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        mean_over([])
    assert str(caught.value) == "a mean over no groups does not exist: give at least one group"
