"""How far a fetch is, told to whoever asked. Enter at `Meter`."""

from collections.abc import Callable

# Bytes done and bytes in all, of all files together, and the file now under way.
Progress = Callable[[int, int, str], None]


class Meter:
    """Counts the bytes of several files; what it tells never goes back."""

    def __init__(self, tell: Progress | None, total: int) -> None:
        self.tell = tell
        self.total = total  # bytes
        self.before = 0  # bytes of the files that are done
        self.done = 0  # bytes, the most that was told
        self.name = ""
        self.reached = 0  # bytes of the file under way

    def begin(self, name: str) -> None:
        """Go on to the next file."""
        self.before += self.reached
        self.name, self.reached = name, 0

    def at(self, reached: int) -> None:
        """Say how many bytes of the file under way are there; fewer than before is no news."""
        self.reached = reached
        self._told(self.before + reached)

    def finish(self) -> None:
        """Say that all is there."""
        self._told(self.total)

    def _told(self, done: int) -> None:
        done = min(done, self.total)  # a repository that did not say how large a file is
        if done <= self.done:
            return
        self.done = done
        if self.tell is not None:
            self.tell(done, self.total, self.name)
