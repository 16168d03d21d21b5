import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightline.data import Example, Mixture, Part, open_source
from sightline.errors import DataError
from tiny_sets import numbered, write_numbered, write_shard

PER_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
SHARDS = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=3)
WINDOWS = st.sampled_from([0, 600, 10**9])


def lay_out(folder: Path, counts: Sequence[Sequence[int]]) -> None:
    for old in folder.glob("*.tar"):
        old.unlink()
    for number, shards in enumerate(counts):
        write_numbered(folder, shards, f"set{number}")


def mixture(folder: Path, weights: Sequence[float], **options: Any) -> Mixture:
    parts = [
        Part(open_source(f"{folder}/set{number}-*.tar"), weight)
        for number, weight in enumerate(weights)
    ]
    return Mixture(parts, **{"seed": 5, **options})


def take(stream: Mixture, count: int) -> list[Example]:
    return [next(stream) for _ in range(count)]


@given(
    counts=SHARDS, window_bytes=WINDOWS, kills=st.lists(st.integers(0, 15), min_size=1, max_size=4)
)
@PER_TEST
def test_a_stream_killed_anywhere_goes_on_as_if_unbroken(
    tmp_path: Path, counts: list[list[int]], window_bytes: int, kills: list[int]
) -> None:
    lay_out(tmp_path, counts)
    weights = [1.0, 2.5, 0.3][: len(counts)]
    unbroken = mixture(tmp_path, weights, window_bytes=window_bytes)
    whole = take(unbroken, sum(kills) + 20)
    broken: list[Example] = []
    saved: str | None = None
    for steps in [*kills, 20]:
        stream = mixture(tmp_path, weights, window_bytes=window_bytes)
        if saved is not None:
            stream.restore(json.loads(saved))
        broken += take(stream, steps)
        saved = json.dumps(stream.state())
    assert broken == whole
    assert json.loads(saved or "") == unbroken.state()


@pytest.mark.parametrize("field", ["step", "epoch", "window"])
def test_control_a_state_that_forgets_its_place_is_caught(tmp_path: Path, field: str) -> None:
    lay_out(tmp_path, [[5, 5, 5]])
    whole = take(mixture(tmp_path, [1], window_bytes=0), 40)
    first = mixture(tmp_path, [1], window_bytes=0)
    take(first, 23)  # second epoch, second window, third step
    state: Any = first.state()
    assert state["parts"][0]["position"] == {"epoch": 1, "window": 1, "step": 3}
    state["parts"][0]["position"][field] = 0
    second = mixture(tmp_path, [1], window_bytes=0)
    second.restore(state)
    assert take(second, 17) != whole[23:]


@given(weights=st.lists(st.floats(0.01, 10), min_size=1, max_size=5))
@PER_TEST
def test_any_beginning_of_the_stream_holds_the_weights(
    tmp_path: Path, weights: list[float]
) -> None:
    lay_out(tmp_path, [[3]] * len(weights))
    stream = mixture(tmp_path, weights)
    seen: Counter[str] = Counter()
    for drawn in range(1, 60):
        seen[next(stream).source] += 1
        for number, weight in enumerate(weights):
            due = drawn * weight / sum(weights)
            assert abs(seen[f"set{number}-*.tar"] - due) < len(weights)


def test_a_long_stream_does_not_drift_from_the_weights(tmp_path: Path) -> None:
    lay_out(tmp_path, [[3]] * 3)
    stream = mixture(tmp_path, [8, 1, 1])
    seen = Counter(example.source for example in take(stream, 1000))
    assert [seen[f"set{number}-*.tar"] for number in range(3)] == [800, 100, 100]


def test_the_count_and_the_epochs_are_told(tmp_path: Path) -> None:
    lay_out(tmp_path, [[2], [4]])
    stream = mixture(tmp_path, [1, 1])
    take(stream, 11)
    assert (stream.drawn, stream.epochs) == (11, (2, 1))


def test_the_reasons_survive_a_restart(tmp_path: Path) -> None:
    write_shard(tmp_path / "set0-0.tar", [*numbered(0, 3), ("x.jpg", b"i"), ("y.jpg", b"i")])
    first = mixture(tmp_path, [1])
    take(first, 2)
    second = mixture(tmp_path, [1])
    second.restore(json.loads(json.dumps(first.state())))
    take(second, 9)
    assert second.skipped.total == 2
    assert second.skipped.kinds() == first.skipped.kinds()


def test_a_position_of_another_run_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, [[2], [2]])
    state = mixture(tmp_path, [1, 1]).state()
    end = ": go on with the same, or start anew"
    cases = {
        "the position in the data was saved with seed 5 and this run has 6" + end: mixture(
            tmp_path, [1, 1], seed=6
        ),
        "the position in the data was saved with window_bytes 1073741824 and this run has 9"
        + end: mixture(tmp_path, [1, 1], window_bytes=9),
        "the position in the data was saved on 2 sources and this run has 1" + end: mixture(
            tmp_path, [1]
        ),
        "the position in the data was saved on set1-*.tar with weight 1.0 and this run has "
        "set1-*.tar with 2.0: go on with the same": mixture(tmp_path, [1, 2]),
    }
    write_shard(tmp_path / "set1-9.tar", numbered(9, 1))
    cases[
        "set1-*.tar has changed since the position was saved: put back the files it had, or start "
        "anew"
    ] = mixture(tmp_path, [1, 1])
    for message, stream in cases.items():
        with pytest.raises(DataError) as caught:
            stream.restore(state)
        assert str(caught.value) == message


def test_a_state_that_is_none_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, [[2]])
    with pytest.raises(DataError, match=r"^the saved position in the data cannot be read: "):
        mixture(tmp_path, [1]).restore({"drawn": "many"})


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_no_share_is_refused(tmp_path: Path, weight: float) -> None:
    lay_out(tmp_path, [[2]])
    with pytest.raises(DataError) as caught:
        mixture(tmp_path, [weight])
    assert str(caught.value) == (f"the weight of set0-*.tar is {weight}: give a positive number")


def test_a_mixture_of_nothing_and_a_negative_seed_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, [[2]])
    with pytest.raises(DataError, match=r"^a mixture has no source: name at least one$"):
        Mixture([], seed=0)
    with pytest.raises(DataError, match=r"^seed is -1: give 0 or more$"):
        mixture(tmp_path, [1], seed=-1)
