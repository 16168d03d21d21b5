"""Work done by threads ahead of the one who needs it, in order. Enter at `map_ahead`."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Generator[Result, None, None]:
    """Yield `work(item)` for each item, in order, while threads work on the items that follow.

    Items are drawn one by one, so there may be any number of them: at most `ahead` are drawn and
    not yet yielded. However the consumer stops (it breaks off, an error, Ctrl-C), work not yet
    begun is dropped and the threads end before control returns.

    Args:
        work: Called in the threads; an exception of it is raised here, in its place in the order.
        items: Drawn in the caller's thread.
        threads: At least 1.
        ahead: At least 1.
    """
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="sightline-decode")
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
