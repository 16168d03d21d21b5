"""Decode in threads ahead of the consumer, in order. Enter at `decode_ahead`."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

from sightline.data.example import Skipped
from sightline.errors import DataError, ImageError, SightlineError, TextError

Item = TypeVar("Item")
Decoded = TypeVar("Decoded")
State = TypeVar("State")
PER_WORKER = 8  # items read ahead for each worker: evens out large pictures, holds little


def _no_state() -> None:
    return None


class DecodeAhead(Generic[Item, Decoded, State]):
    """The iterator that `decode_ahead` gives; close it, or use it in a `with`, to stop early."""

    def __init__(
        self,
        items: Iterable[Item],
        decode: Callable[[Item], Decoded],
        workers: int,
        state: Callable[[], State],
    ) -> None:
        self._items = iter(items)
        self._decode = decode
        self._ahead = workers * PER_WORKER
        self._read_state = state
        self._consumed = state()
        self._queue: deque[tuple[Item, Future[Decoded], State]] = deque()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="sightline-decode")
        self._closed = False
        self._failure: SightlineError | OSError | None = None

    def __iter__(self) -> Iterator[tuple[Item, Decoded | Skipped]]:
        """Return itself."""
        return self

    def __next__(self) -> tuple[Item, Decoded | Skipped]:
        """Give the next item with what became of it.

        Raises:
            Exception: Whatever `decode` raised, other than an error about one input.
        """
        if self._closed:
            raise StopIteration
        try:
            self._fill()
            if not self._queue:
                raise self._failure or StopIteration
            item, future, state = self._queue.popleft()
            result = _result(item, future)
        except BaseException:
            self.close()
            raise
        self._consumed = state
        return item, result

    def _fill(self) -> None:
        """Read items until enough are under way; only the consumer's thread reads."""
        while self._failure is None and len(self._queue) < self._ahead:
            try:
                item = next(self._items)
            except StopIteration:
                return
            except (SightlineError, OSError) as error:
                self._failure = error  # comes out after what was read before it
                return
            self._queue.append((item, self._pool.submit(self._decode, item), self._read_state()))

    def state(self) -> State:
        """Return the state as it was after the last item given out, not the last one read."""
        return self._consumed

    def close(self) -> None:
        """Stop the threads; what was read ahead is dropped."""
        self._closed = True
        self._queue.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> "DecodeAhead[Item, Decoded, State]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _result(item: object, future: "Future[Decoded]") -> Decoded | Skipped:
    """Wait for one; an error about the input itself is a reason to skip it."""
    try:
        return future.result()
    except (ImageError, TextError) as error:
        key = str(getattr(item, "key", item))
        kind = "bad image" if isinstance(error, ImageError) else "bad text"
        return Skipped(key=key, kind=kind, reason=str(error))


def decode_ahead(
    items: Iterable[Item],
    decode: Callable[[Item], Decoded],
    workers: int,
    *,
    state: Callable[[], State] = _no_state,  # type: ignore[assignment]
) -> DecodeAhead[Item, Decoded, State]:
    """Decode items in threads, giving them back in order.

    Args:
        items: Examples, or anything with one in it; read in the consumer's thread, a bounded
            number ahead.
        decode: Runs in the workers. An `ImageError` or `TextError` makes a `Skipped` of the item;
            anything else it raises comes out of the iteration, at that item's place.
        workers: Threads; Pillow decodes outside Python's lock.
        state: Called after each item is read, `mixture.state` say. The iterator's own `state()`
            then gives the state after the last item that was given out.

    Raises:
        DataError: `workers` is not positive.
    """
    if workers < 1:
        raise DataError(f"workers is {workers}: give at least 1")
    return DecodeAhead(items, decode, workers, state)
