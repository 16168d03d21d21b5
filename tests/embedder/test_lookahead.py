import threading
from collections.abc import Iterator
from itertools import count

import pytest

from sightline.embedder.lookahead import map_ahead


def decode_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("sightline-decode")]


def test_order_is_kept_however_long_each_takes() -> None:
    first_may_end = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            first_may_end.wait(10)
        if item == 3:
            first_may_end.set()
        return item * item

    assert list(map_ahead(work, range(4), threads=4, ahead=4)) == [0, 1, 4, 9]


def test_work_goes_on_while_the_consumer_is_busy() -> None:
    done = [threading.Event() for _ in range(3)]

    def work(item: int) -> int:
        done[item].set()
        return item

    results = map_ahead(work, range(3), threads=1, ahead=3)
    next(results)
    assert all(event.wait(10) for event in done)
    results.close()


def test_no_more_than_ahead_are_drawn_from_an_endless_source() -> None:
    drawn = []

    def source() -> Iterator[int]:
        for number in count():
            drawn.append(number)
            yield number

    results = map_ahead(str, source(), threads=2, ahead=5)
    assert [next(results) for _ in range(3)] == ["0", "1", "2"]
    assert len(drawn) <= 3 + 5
    results.close()


def test_no_thread_is_left_when_the_consumer_stops_early() -> None:
    results = map_ahead(str, count(), threads=3, ahead=9)
    next(results)
    assert decode_threads()
    results.close()
    assert not decode_threads()


def test_no_thread_is_left_when_the_results_are_forgotten() -> None:
    results = map_ahead(str, count(), threads=3, ahead=9)
    next(results)
    del results
    assert not decode_threads()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_no_thread_is_left_when_the_source_fails(error: type[BaseException]) -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise error

    with pytest.raises(error):
        list(map_ahead(str, source(), threads=2, ahead=2))
    assert not decode_threads()


def test_an_error_in_the_work_arrives_in_its_place() -> None:
    results = map_ahead(lambda item: 6 // item, [3, 2, 0, 1], threads=2, ahead=4)
    assert [next(results), next(results)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert not decode_threads()


def test_nothing_starts_before_the_first_result_is_wanted() -> None:
    results = map_ahead(str, count(), threads=1, ahead=1)
    assert not decode_threads()
    results.close()
