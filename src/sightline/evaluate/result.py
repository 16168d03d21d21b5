"""What an evaluation found, as JSON that other tools can read. Enter at `Result`.

Names follow CLIP_benchmark (dataset, model, task, metrics.acc1, image_retrieval_recall@5 …) where
it has one, so that its readers find their figures; beside them stand what a figure needs to be
believed: interval, count, identity, and what was left out.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sightline.checkpoints.replacement import replace_file
from sightline.errors import DataError
from sightline.evaluate.identity import Identity, Task
from sightline.evaluate.intervals import Estimate

VERSION = 1


class Skip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An example that was left out, and why."""

    key: str
    reason: str


class ClassFigure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Recall of one class."""

    name: str
    recall: Estimate


class Confusion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often one class was taken for another."""

    label: str
    taken_for: str
    count: int
    of: int  # images of the class


class Mistake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One image that was taken for something else."""

    key: str
    label: str
    taken_for: str
    margin: float  # cosine of the wrong class minus that of the right one


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The figures of one model on one source."""

    dataset: str  # short name of the source, for tables
    model: str = ""  # as it was named by whoever ran this
    task: Task
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]  # 95 %, a pair for each metric
    counts: dict[str, int]  # images, captions, classes or groups behind each metric
    worst: dict[str, str]  # group field → its value with the lowest acc1
    groups_left_out: dict[str, str]  # group field → why it has no figures
    classes: tuple[ClassFigure, ...]
    confusions: tuple[Confusion, ...]  # the most frequent ones
    mistakes: tuple[Mistake, ...]  # the most confident ones
    skipped: int  # examples left out
    skipped_first: tuple[Skip, ...]  # some of them, with the reason
    cut: int  # captions longer than the model reads; their beginning was used
    identity: Identity
    command: str = ""  # that measured this; "" from Python

    def __post_init__(self) -> None:
        if not (set(self.metrics) == set(self.intervals) == set(self.counts)):
            raise DataError(
                f"the result on {self.dataset} has metrics, intervals and counts of different "
                "names: give each metric one of both"
            )


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of results."""

    version: int
    results: tuple[Result, ...]


def to_json(result: Result) -> bytes:
    """Return one result as one line."""
    return msgspec.json.encode(result)


def write_results(path: Path, results: Sequence[Result]) -> None:
    """Write results to a file, whole or not at all."""
    document = _Document(version=VERSION, results=tuple(results))
    write_whole(path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there, so that no reader finds half of it.

    Raises:
        DataError: The folder is missing, full or not writable.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror}): choose a folder that can be written to"
        ) from error


def read_results(path: Path) -> tuple[Result, ...]:
    """Read a file that `write_results` wrote.

    Raises:
        DataError: The file is missing, of another version, or not a file of results.
    """
    try:
        encoded = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"results cannot be read from {path} ({error.strerror}): "
            "make them with sightline evaluate MODEL URI --out FILE"
        ) from error
    try:
        document = msgspec.json.decode(encoded, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is not a file of results ({error}): "
            "make it with sightline evaluate MODEL URI --out FILE"
        ) from error
    if document.version != VERSION:
        raise DataError(
            f"{path} is of version {document.version} but this Sightline reads version {VERSION}: "
            "evaluate again"
        )
    return document.results
