"""The numbers of a run as they come: metrics.jsonl, and TensorBoard where it is installed."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from sightline.checkpoints.replacement import replace_file


class Journal:
    """Appends a line per record; going on after a kill drops what came after the saved state."""

    def __init__(self, folder: Path, *, last_step: int) -> None:
        self._path = folder / "metrics.jsonl"
        kept = [line for line in read_journal(folder) if line["step"] <= last_step]
        encoded = b"".join(msgspec.json.encode(line) + b"\n" for line in kept)
        replace_file(self._path, encoded)
        self._file = self._path.open("ab")
        self._before_s = max((float(line.get("seconds", 0)) for line in kept), default=0.0)
        self._began = time.monotonic()
        self._board = _open_board(folder, last_step)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close both files."""
        self._file.close()
        if self._board is not None:
            self._board.close()

    def write(self, kind: str, values: Mapping[str, float], **place: int) -> None:
        """Write one record: its kind, where in the run (step, images), the seconds, its values.

        Seconds are of the whole run, but for what was lost with a kill.
        """
        seconds = round(self._before_s + time.monotonic() - self._began, 2)
        line = {"kind": kind, **place, "seconds": seconds, "values": dict(values)}
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{kind}/{name}", value, place["step"])


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """Return all whole records of a run; a line cut off by a kill is none."""
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [msgspec.json.decode(line) for line in lines if line]


def _open_board(folder: Path, last_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # the extra `train` is not installed: metrics.jsonl has it all
        return None
    return SummaryWriter(str(folder), purge_step=last_step + 1)
