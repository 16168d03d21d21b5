"""How far a long command has come, on stderr. Enter at `Progress`."""

import sys
import time
from collections.abc import Callable
from io import TextIOBase
from types import TracebackType
from typing import TextIO

_EVERY_S = 10.0  # between lines where there is no terminal
_REDRAW_S = 0.1
_PATIENCE_S = 0.5  # a command that is done sooner shows nothing


class Progress:
    """A line that is redrawn on a terminal; elsewhere a new line every ten seconds.

    Example:
        >>> with Progress("images", total=2) as progress:
        ...     for _ in range(2):
        ...         progress.advance()
    """

    def __init__(
        self,
        what: str,
        *,
        total: int | None = None,
        stream: TextIOBase | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._total = total
        self._stream: TextIO | TextIOBase = sys.stderr if stream is None else stream
        self._clock = clock
        self._live = self._stream.isatty()
        self._began = self._shown = clock()
        self._count = 0
        self._drawn = False

    def __enter__(self) -> "Progress":
        """Begin to count."""
        self._began = self._shown = self._clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing half drawn."""
        self.clear()

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count some as done; `note` stands at the end of the line."""
        self._count += count
        now = self._clock()
        if self._live:
            due = now - self._shown >= _REDRAW_S and now - self._began >= _PATIENCE_S
        else:
            due = now - self._shown >= _EVERY_S
        if not due:
            return
        self._shown = now
        line = self._line(now - self._began, note)
        if self._live:
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()
            self._drawn = True
        else:
            self._stream.write(f"{line}\n")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away, before something else is written to the same terminal."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False

    def _line(self, elapsed_s: float, note: str) -> str:
        """Say what is done, how fast, and what is left."""
        rate = self._count / elapsed_s if elapsed_s > 0 else 0.0
        done = f"{self._count:,}"
        parts = [f"{done} {self._what}", f"{rate:,.1f} a second"]
        if self._total is not None:
            parts[0] = f"{done} of {self._total:,} {self._what}"
            if rate > 0:
                parts.append(f"{duration(max(self._total - self._count, 0) / rate)} left")
        else:
            parts.append(duration(elapsed_s))
        return " · ".join([*parts, note] if note else parts)


def duration(seconds: float) -> str:
    """Write a length of time as a clock does.

    Example:
        >>> duration(75), duration(7384)
        ('1:15', '2:03:04')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
