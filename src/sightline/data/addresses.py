"""From what a person writes to the files meant: braces, globs, lists. Enter at `expand`."""

import glob
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sightline.errors import DataError

MAX_FILES = 1_000_000
BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"(\d+)\.\.(\d+)")


def expand(uris: Sequence[str | Path]) -> list[Path]:
    """Return every file or folder meant, in the order written and sorted inside a glob.

    Raises:
        DataError: Something matches nothing, is missing, comes twice, or is not on this machine.
    """
    found = list(itertools.chain.from_iterable(_expand_one(str(uri)) for uri in uris))
    if not found:
        raise DataError("no source was named: give a folder, a table or tar shards")
    path, times = Counter(found).most_common(1)[0]
    if times > 1:
        raise DataError(f"{path} is named {times} times: name each file once")
    return found


def _expand_one(uri: str) -> list[Path]:
    """Expand one address."""
    if not uri.strip():
        raise DataError("the name of a source is blank: give a folder, a table or tar shards")
    if Path(uri).exists():
        return [Path(uri)]
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:", uri):
        raise DataError(f"{uri} is an address, not a path: fetch what is there and give its path")
    named = list(itertools.islice(_braces(uri), MAX_FILES + 1))
    if len(named) > MAX_FILES:
        raise DataError(f"{uri} means more than {MAX_FILES:,} files: write a smaller range")
    found = []
    missing = []
    for name in named:
        matches = sorted(glob.glob(name, recursive=True)) if glob.has_magic(name) else [name]
        found += [Path(match) for match in matches if Path(match).exists()]
        if not matches or not Path(matches[0]).exists():
            missing.append(name)
    if len(missing) == len(named):
        start = "" if Path(uri).is_absolute() else ", which starts at the current folder"
        raise DataError(f"{uri} matches no file: check the path{start}")
    if missing:
        raise DataError(
            f"{len(missing)} of the {len(named)} files of {uri} are missing, first {missing[0]}: "
            "fetch them or write a smaller range"
        )
    return found


def _braces(pattern: str) -> Iterator[str]:
    """Write out `{000..012}` and `{a,b}`, the leftmost changing slowest."""
    match = BRACES.search(pattern)
    if match is None:
        yield pattern
        return
    head, tail = pattern[: match.start()], pattern[match.end() :]
    for choice in _choices(match[1]):
        for rest in _braces(tail):
            yield head + choice + rest


def _choices(inside: str) -> Iterator[str]:
    """Write out the inside of one pair of braces; zeros in front are kept as in a shell."""
    span = RANGE.fullmatch(inside)
    if span is None:
        yield from inside.split(",")
        return
    first, last = int(span[1]), int(span[2])
    padded = any(len(end) > 1 and end[0] == "0" for end in span.groups())
    width = max(len(span[1]), len(span[2])) if padded else 0
    for number in range(first, last + 1) if first <= last else range(first, last - 1, -1):
        yield str(number).zfill(width)
