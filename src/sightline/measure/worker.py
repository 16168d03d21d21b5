"""One engine in a process of its own, which does and times what it is told. Enter at `Worker`."""

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from sightline.embedder import load
from sightline.errors import RuntimeUnavailable, SightlineError
from sightline.measure.engines import Engine
from sightline.measure.subjects import Call, peak_mb, subjects

WARM_CALLS = 17  # ONNX Runtime packs a tower's weights at the sixteenth
WARM_S = 2.0
_STOP = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker opens."""

    model: str | Path
    architecture: str | None
    engine: Engine
    files: Mapping[str, Sequence[Path]]


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says once it is ready."""

    description: str
    open_s: float
    subjects: tuple[str, ...]  # what it can be told to do


class Worker:
    """A process with one engine, idle between calls; ends with the block."""

    def __init__(self, order: Order) -> None:
        """Start it."""
        # Not forked: an engine's threads and memory would come along.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, order), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> "Worker":
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process, whatever it does."""
        self._connection.close()
        self._process.terminate()
        self._process.join()

    def opened(self) -> Opened:
        """Wait until both towers have answered.

        Raises:
            RuntimeUnavailable: The engine does not run here, or its process died.
        """
        said: Opened = self._answer()
        return said

    def times(self, subject: str, seconds: float) -> tuple[int, list[float]]:
        """Have something done for so long, at least once.

        Returns:
            How many a call does, and the seconds that each call took.

        Raises:
            RuntimeUnavailable: It failed, or the process died.
        """
        count, taken = self._answer(subject, seconds)
        return count, taken

    def peak_mb(self) -> float | None:
        """Return the most memory that the process had, which ends; None where nobody tells.

        Raises:
            RuntimeUnavailable: The process died.
        """
        peak: float | None = self._answer(_STOP, 0.0)
        return peak

    def _answer(self, *told: str | float) -> Any:
        """Tell the process what to do and wait for what it says; a sentence is why it cannot."""
        try:
            if told:
                self._connection.send(told)
            said = self._connection.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join()
            raise RuntimeUnavailable(
                f"its process ended with code {self._process.exitcode}: it may want more memory "
                "than there is"
            ) from error
        if isinstance(said, str):
            raise RuntimeUnavailable(said)
        return said


def serve(connection: Connection, order: Order) -> None:
    """Open an engine and do what the other end says, until it says stop."""
    try:
        start = time.perf_counter()
        embedder = load(
            order.model,
            architecture=order.architecture,
            runtime=order.engine.runtime,
            precision=order.engine.precision,
        )
        calls = subjects(embedder, order.files)
        calls["images 1"]()
        calls["texts 1"]()
        open_s = time.perf_counter() - start
        for call in calls.values():
            timed(call, WARM_S / len(calls), most=WARM_CALLS)
        said = embedder.towers.description
        connection.send(Opened(description=said, open_s=open_s, subjects=tuple(calls)))
        while (told := connection.recv())[0] != _STOP:
            subject, seconds = told
            connection.send(timed(calls[subject], seconds))
        connection.send(peak_mb())
    except SightlineError as error:
        connection.send(str(error))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return  # whoever asked has gone


def timed(call: Call, seconds: float, *, most: int | None = None) -> tuple[int, list[float]]:
    """Call until the time is over, at least once and `most` times.

    Returns:
        How many a call does, and the seconds that each call took.
    """
    count, taken = 0, list[float]()
    end = time.perf_counter() + seconds
    while not taken or (time.perf_counter() < end and (most is None or len(taken) < most)):
        start = time.perf_counter()
        count = call()
        taken.append(time.perf_counter() - start)
    return count, taken
