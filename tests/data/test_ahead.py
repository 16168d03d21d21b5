import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightline.data import Example, Mixture, Part, Skipped, decode_ahead, open_source
from sightline.errors import DataError, ImageError
from tiny_sets import write_numbered

PER_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)


def caption(example: Example) -> str:
    return example.texts[0]


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("sightline-decode")]


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_results_come_in_order_with_fewer_shards_than_workers_too(
    tmp_path: Path, workers: int
) -> None:
    source = open_source(write_numbered(tmp_path, [60]))
    found = list(decode_ahead(source, caption, workers))
    assert [text for _, text in found] == [f"caption {number}" for number in range(60)]
    assert [example.key for example, _ in found] == [f"{number:04}" for number in range(60)]
    assert threads() == []


def test_a_bad_picture_is_skipped_in_its_place(tmp_path: Path) -> None:
    def decode(example: Example) -> str:
        if example.key == "0001":
            raise ImageError("it is no picture")
        return example.key

    found = [
        what for _, what in decode_ahead(open_source(write_numbered(tmp_path, [3])), decode, 2)
    ]
    assert found == [
        "0000",
        Skipped(key="0001", kind="bad image", reason="0001 was skipped: it is no picture"),
        "0002",
    ]


def test_an_unexpected_error_comes_out_and_ends_the_threads(tmp_path: Path) -> None:
    def decode(example: Example) -> str:
        if example.key == "0003":
            raise ZeroDivisionError("planted")
        return example.key

    reading = decode_ahead(open_source(write_numbered(tmp_path, [40])), decode, 3)
    assert [next(reading)[1] for _ in range(3)] == ["0000", "0001", "0002"]
    with pytest.raises(ZeroDivisionError, match="planted"):
        next(reading)
    assert threads() == []
    assert list(reading) == []


def test_stopping_early_leaves_no_thread(tmp_path: Path) -> None:
    with decode_ahead(open_source(write_numbered(tmp_path, [90])), caption, 4) as reading:
        next(reading)
        assert threads() != []
    assert threads() == []
    assert list(reading) == []


def test_no_more_is_read_ahead_than_the_workers_need(tmp_path: Path) -> None:
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    with decode_ahead(numbers(), str, 2) as reading:
        next(reading)
        assert len(read) <= 2 * 8


@given(stop=st.integers(0, 40), workers=st.integers(1, 4))
@PER_TEST
def test_the_state_is_that_of_the_last_one_given_out(
    tmp_path: Path, stop: int, workers: int
) -> None:
    uri = write_numbered(tmp_path, [7, 5])

    def stream() -> Mixture:
        return Mixture([Part(open_source(uri))], seed=1)

    unbroken = stream()
    whole = [next(unbroken).key for _ in range(stop + 20)]
    first = stream()
    with decode_ahead(first, caption, workers, state=first.state) as reading:
        keys = [next(reading)[0].key for _ in range(stop)]
        state = reading.state()
    second = stream()
    second.restore(state)
    assert keys + [next(second).key for _ in range(20)] == whole


def test_control_the_streams_own_state_has_run_ahead(tmp_path: Path) -> None:
    stream = Mixture([Part(open_source(write_numbered(tmp_path, [9])))], seed=1)
    with decode_ahead(stream, caption, 2, state=stream.state) as reading:
        next(reading)
        assert reading.state()["drawn"] == 1
        assert stream.state()["drawn"] == 16


def test_no_workers_are_refused() -> None:
    with pytest.raises(DataError, match=r"^workers is 0: give at least 1$"):
        decode_ahead([], str, 0)
