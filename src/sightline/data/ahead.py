"""Decode in threads ahead of the consumer, in order. Enter at `decode_ahead`."""

from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Any, Generic, TypeVar, overload

from sightline.data.example import Skipped
from sightline.embedder.lookahead import map_ahead
from sightline.errors import DataError, ImageError, TextError

Item = TypeVar("Item")
Decoded = TypeVar("Decoded")
State = TypeVar("State")
PER_WORKER = 8  # items read ahead for each worker: evens out large pictures, holds little


class DecodeAhead(Generic[Item, Decoded, State]):
    """The iterator that `decode_ahead` gives; close it, or use it in a `with`, to stop early."""

    def __init__(
        self,
        items: Iterable[Item],
        decode: Callable[[Item], Decoded],
        workers: int,
        state: Callable[[], State],
    ) -> None:
        self._consumed = state()
        self._results = _run(items, decode, workers, state)

    def __iter__(self) -> "DecodeAhead[Item, Decoded, State]":
        return self

    def __next__(self) -> tuple[Item, Decoded | Skipped]:
        """Give the next item with what became of it.

        Raises:
            Exception: Whatever `decode` raised, other than an error about one input.
        """
        item, result, self._consumed = next(self._results)
        return item, result

    def state(self) -> State:
        """Return the state as it was after the last item given out, not the last one read."""
        return self._consumed

    def close(self) -> None:
        """End the threads; what was read ahead is dropped."""
        self._results.close()

    def __enter__(self) -> "DecodeAhead[Item, Decoded, State]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _run(
    items: Iterable[Item],
    decode: Callable[[Item], Decoded],
    workers: int,
    state: Callable[[], State],
) -> Generator[tuple[Item, Decoded | Skipped, State], None, None]:
    """Give each item, what became of it and the state after it; closing it ends the threads."""

    def work(drawn: tuple[Item, State]) -> tuple[Item, Decoded | Skipped, State]:
        item, state_after = drawn
        return item, _decoded(decode, item), state_after

    drawn = ((item, state()) for item in items)
    return map_ahead(work, drawn, threads=workers, ahead=workers * PER_WORKER)


def _decoded(decode: Callable[[Item], Decoded], item: Item) -> Decoded | Skipped:
    """Decode one; an error about the input itself is a reason to skip it."""
    try:
        return decode(item)
    except (ImageError, TextError) as error:
        key = str(getattr(item, "key", item))
        kind = "bad image" if isinstance(error, ImageError) else "bad text"
        return Skipped(key=key, kind=kind, reason=f"{key} was skipped: {error}")


def _no_state() -> None:
    return None


@overload
def decode_ahead(
    items: Iterable[Item], decode: Callable[[Item], Decoded], workers: int
) -> DecodeAhead[Item, Decoded, None]: ...


@overload
def decode_ahead(
    items: Iterable[Item],
    decode: Callable[[Item], Decoded],
    workers: int,
    *,
    state: Callable[[], State],
) -> DecodeAhead[Item, Decoded, State]: ...


def decode_ahead(
    items: Iterable[Item],
    decode: Callable[[Item], Decoded],
    workers: int,
    *,
    state: Callable[[], Any] = _no_state,
) -> DecodeAhead[Item, Decoded, Any]:
    """Decode items in threads, giving them back in order.

    Args:
        items: Examples, or anything made of them; read in the consumer's thread, a bounded number
            ahead.
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
