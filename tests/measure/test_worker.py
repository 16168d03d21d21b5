import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.errors import RuntimeUnavailable
from sightline.measure.engines import Engine
from sightline.measure.worker import Order, Worker, timed
from tiny_models import encoded, picture


@pytest.fixture
def order(tiny_model_folder: Path, tmp_path: Path) -> Callable[..., Order]:
    def made(runtime: str = "onnxruntime", precision: str = "float32") -> Order:
        (tmp_path / "a.png").write_bytes(encoded(picture(0)))
        return Order(
            model=tiny_model_folder,
            architecture=None,
            engine=Engine(runtime, precision),
            files={"small": [tmp_path / "a.png"]},
        )

    return made


def test_a_worker_opens_does_what_it_is_told_and_says_its_peak(
    order: Callable[..., Order],
) -> None:
    with Worker(order()) as worker:
        opened = worker.opened()
        assert opened.description.startswith("onnxruntime")
        assert opened.open_s > 0
        assert "files small" in opened.subjects
        count, taken = worker.times("images 16", 0.0)
        assert (count, len(taken)) == (16, 1)
        peak = worker.peak_mb()
    assert peak is not None
    assert peak > 10


def test_an_engine_that_is_not_there_says_why(order: Callable[..., Order]) -> None:
    with Worker(order("abacus")) as worker, pytest.raises(RuntimeUnavailable) as caught:
        worker.opened()
    assert str(caught.value).startswith("runtime 'abacus' is not known: choose 'auto'")


def test_a_process_that_is_killed_is_said_to_be(order: Callable[..., Order]) -> None:
    with Worker(order()) as worker:
        worker.opened()
        pid = worker._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        worker._process.join()
        with pytest.raises(RuntimeUnavailable) as caught:
            worker.times("images 1", 0.0)
    assert str(caught.value) == (
        "its process ended with code -9: it may want more memory than there is"
    )


def test_what_is_timed_is_done_at_least_once_and_no_more_than_asked() -> None:
    done: list[float] = []

    def call() -> int:
        done.append(time.perf_counter())
        return 3

    assert [len(timed(call, 0.0)[1]), len(done)] == [1, 1]
    count, taken = timed(call, 3600.0, most=5)
    assert (count, len(taken), len(done)) == (3, 5, 6)
