import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightline.data import open_source
from sightline.data.example import Tally
from sightline.data.order import Position, Walk, memory_of, share_windows, shuffled
from sightline.errors import DataError
from tiny_sets import numbered, picture, write_numbered, write_shard

PER_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
COUNTS = st.lists(st.integers(1, 4), min_size=1, max_size=5)
WINDOWS = st.sampled_from([0, 200, 500, 10**9])  # a shard's index is taken for some hundred bytes


def walk_over(folder: Path, counts: Sequence[int], window_bytes: int, seed: int = 0) -> Walk:
    for old in folder.glob("*.tar"):
        old.unlink()
    source = open_source(write_numbered(folder, counts))
    return Walk(source, seed=(seed,), window_bytes=window_bytes, tally=Tally())


@given(counts=COUNTS, window_bytes=WINDOWS, seed=st.integers(0, 9))
@PER_TEST
def test_every_example_comes_exactly_once_in_each_epoch(
    tmp_path: Path, counts: list[int], window_bytes: int, seed: int
) -> None:
    walk = walk_over(tmp_path, counts, window_bytes, seed)
    for _ in range(3):
        keys = sorted(walk.next().key for _ in range(sum(counts)))
        assert keys == [f"{number:04}" for number in range(sum(counts))]


def test_epochs_and_seeds_have_their_own_orders(tmp_path: Path) -> None:
    orders = set()
    for seed in (0, 1):
        walk = walk_over(tmp_path, [20, 20], 10**9, seed)
        orders |= {tuple(walk.next().key for _ in range(40)) for _ in range(2)}
    assert len(orders) == 4


def test_a_source_that_fits_is_shuffled_across_its_shards(tmp_path: Path) -> None:
    walk = walk_over(tmp_path, [50, 50, 50], 10**9)
    shards = [int(walk.next().key) // 50 for _ in range(150)]
    changes = sum(a != b for a, b in itertools.pairwise(shards))
    assert changes > 70  # 100 are expected


def test_control_a_window_of_one_shard_hardly_mixes(tmp_path: Path) -> None:
    walk = walk_over(tmp_path, [50, 50, 50], 0)
    shards = [int(walk.next().key) // 50 for _ in range(150)]
    assert sum(a != b for a, b in itertools.pairwise(shards)) == 2


def test_an_order_stays_the_same_over_releases_of_numpy() -> None:
    # Made with NumPy 2.4 from PCG64's raw stream, which NEP 19 keeps.
    assert shuffled(8, (1, 2)).tolist() == [5, 6, 3, 2, 1, 0, 4, 7]


def test_bad_inputs_are_counted_in_the_first_epoch_only(tmp_path: Path) -> None:
    members = [*numbered(0, 3), ("x.jpg", b"i"), ("y.jpg", b"i"), ("y.json", b"{")]
    tally = Tally()
    source = open_source(write_shard(tmp_path / "s.tar", members))
    walk = Walk(source, seed=(0,), window_bytes=0, tally=tally)
    for _ in range(12):
        walk.next()
    assert {kind: row.count for kind, row in tally.kinds().items()} == {
        "bad record": 1,
        "image without text": 1,
    }


def test_taking_up_a_walk_does_not_count_again(tmp_path: Path) -> None:
    source = open_source(write_shard(tmp_path / "s.tar", [*numbered(0, 3), ("x.jpg", b"i")]))
    tally = Tally()
    walk = Walk(source, seed=(0,), window_bytes=0, tally=tally)
    walk.restore(Position(step=1))
    walk.next()
    assert tally.total == 0


def test_a_source_without_examples_ends_the_walk(tmp_path: Path) -> None:
    source = open_source(write_shard(tmp_path / "s.tar", [("x.jpg", b"i")]))
    walk = Walk(source, seed=(0,), window_bytes=0, tally=Tally())
    with pytest.raises(DataError) as caught:
        walk.next()
    assert str(caught.value) == (
        "s.tar gave no example (1 skipped): x in s.tar has an image but no .json, .txt or .cls"
    )


def test_a_source_that_is_emptied_during_a_run_ends_the_walk(tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        (tmp_path / "shelf/apple").mkdir(parents=True, exist_ok=True)
        (tmp_path / "shelf/apple" / name).write_bytes(picture())
    source = open_source(tmp_path / "shelf")
    walk = Walk(source, seed=(0,), window_bytes=0, tally=Tally())
    assert {walk.next().key for _ in range(4)} == {"apple/1.png", "apple/2.png"}
    for name in ("1.png", "2.png"):
        (tmp_path / "shelf/apple" / name).unlink()
    with pytest.raises(DataError, match=r"^shelf gave no example \(2 skipped like this\): '"):
        walk.next()


def test_a_window_holds_no_more_shards_than_its_memory_allows(tmp_path: Path) -> None:
    source = open_source(write_numbered(tmp_path, [50] * 6))
    room = 2 * memory_of(source.shards[0])
    walk = Walk(source, seed=(0,), window_bytes=room, tally=Tally())
    for _ in range(3):
        assert len({int(walk.next().key) // 50 for _ in range(100)}) == 2


def test_memory_is_shared_by_need(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    sources = [
        open_source(write_numbered(tmp_path / "a", [1])),
        open_source(write_numbered(tmp_path / "b", [400])),
        open_source(write_numbered(tmp_path / "c", [400])),
    ]
    small, *large = share_windows(sources, 20_000)
    assert small < 1000
    assert large[0] + large[1] + small == 20_000
    assert abs(large[0] - large[1]) <= 1
