"""All engines in turn, round after round. Enter at `measure`."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from sightline.checkpoints import read
from sightline.errors import RuntimeUnavailable
from sightline.measure.engines import Engine
from sightline.measure.figures import Figures, Latency, Report, Unavailable
from sightline.measure.machine import this_machine
from sightline.measure.subjects import BATCHES, PICTURE
from sightline.measure.worker import Opened, Order, Worker

ROUNDS = 5  # aimed at; one that is begun is finished


class _Running(msgspec.Struct):
    """An engine that is open, and what was timed of it so far, by subject."""

    engine: Engine
    worker: Worker
    opened: Opened
    rates: defaultdict[str, list[float]]  # a second, one a round
    calls: defaultdict[str, list[float]]  # seconds, one a call


def measure(
    model: str | Path | None,
    engines: Sequence[Engine],
    files: Mapping[str, Sequence[Path]],
    *,
    architecture: str | None = None,
    seconds: float = 20.0,
    tell: Callable[[str], None] = lambda said: None,
) -> Report:
    """Measure a model in each engine, in turn, so that a busy minute falls on all of them.

    All engines are open at once, each in a process of its own.

    Args:
        model: A folder or file, as `checkpoints.read` takes it; None is the bundled model.
        engines: What to run it in; the first is what others are compared with.
        files: What they are → pictures on disk to read.
        architecture: For a file of weights that does not say what it is.
        seconds: About how long to take in all, opening included. A round is never cut short.
        tell: Called with what is being done, in a few words.

    Raises:
        CheckpointError: The model does not open.
    """
    end = time.monotonic() + seconds
    checkpoint = read(model, architecture=architecture)
    place = checkpoint.folder if model is None else model
    machine = this_machine()  # before this makes it busy
    found: dict[Engine, Figures | Unavailable] = {}
    with ExitStack() as stack:
        running = []
        for engine in engines:
            tell(f"opening {engine.name}")
            order = Order(model=place, architecture=architecture, engine=engine, files=files)
            worker = stack.enter_context(Worker(order))
            try:
                opened = worker.opened()
            except RuntimeUnavailable as error:
                found[engine] = Unavailable(engine, str(error))
            else:
                lists = defaultdict[str, list[float]]
                running.append(_Running(engine, worker, opened, lists(list), lists(list)))
        _rounds(running, found, end, tell)
        found |= {one.engine: _figures(one, list(files)) for one in running}
    return Report(
        machine=machine,
        fingerprint=checkpoint.fingerprint,
        embed_dim=checkpoint.spec.embed_dim,
        weights_bytes=sum(path.stat().st_size for path in checkpoint.weights.buffers),
        engines=tuple(found[engine] for engine in engines),
    )


def _rounds(
    running: list[_Running],
    found: dict[Engine, Figures | Unavailable],
    end: float,
    tell: Callable[[str], None],
) -> None:
    """Have each engine do everything once a round until time is over; one that fails leaves."""
    slices = ROUNDS * sum(len(one.opened.subjects) for one in running)
    each_s = max(end - time.monotonic(), 0.0) / max(slices, 1)
    number = 0
    while running and (not number or time.monotonic() < end):
        number += 1
        for one in list(running):
            tell(f"round {number}, {one.engine.name}")
            try:
                for subject in one.opened.subjects:
                    _time(one, subject, each_s)
            except RuntimeUnavailable as error:
                found[one.engine] = Unavailable(one.engine, str(error))
                running.remove(one)


def _time(one: _Running, subject: str, seconds: float) -> None:
    """Have one thing done for a while and keep what it took."""
    count, taken = one.worker.times(subject, seconds)
    one.rates[subject].append(count * len(taken) / sum(taken))
    one.calls[subject] += taken


def _figures(one: _Running, kinds: Sequence[str]) -> Figures:
    """Put together what was timed."""
    rates = {subject: statistics.median(each) for subject, each in one.rates.items()}
    return Figures(
        engine=one.engine,
        description=one.opened.description,
        open_s=one.opened.open_s,
        images_per_s={batch: rates[f"images {batch}"] for batch in BATCHES},
        texts_per_s={batch: rates[f"texts {batch}"] for batch in BATCHES},
        picture=latency(one.calls[PICTURE]),
        text=latency(one.calls["texts 1"]),
        files_per_s={kind: rates[f"files {kind}"] for kind in kinds},
        peak_mb=one.worker.peak_mb(),
        rounds=len(one.rates[PICTURE]),
    )


def latency(seconds: Sequence[float]) -> Latency:
    """Return the median, and what 19 of 20 calls stay below: the next that was measured.

    Example:
        >>> latency([0.001, 0.002, 0.009])
        Latency(p50_ms=2.0, p95_ms=9.0)
    """
    ordered = sorted(seconds)
    high = ordered[min(-(-95 * len(ordered) // 100), len(ordered)) - 1]
    return Latency(1000 * statistics.median(ordered), 1000 * high)
