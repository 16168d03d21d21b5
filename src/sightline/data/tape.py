"""Walk the headers of a tar file without trusting them. Enter at `members`.

Python's tarfile reads about 45,000 headers a second, follows chains of extended headers by
recursion and takes their sizes as given. Shards hold two members an example and come from
strangers, so this reads only what a shard needs: names, sizes and kinds. Nothing is extracted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

BLOCK = 512
MAX_EXTENDED_BYTES = 64 * 1024  # a long name or a pax header; longer is no name
MAX_SIZE = 2**62  # what a file offset can hold, and be added to
MAX_MEMBERS = 2_000_000  # headers in one shard: bounds the index of a hostile one

REGULAR = frozenset(b"07\x00")  # 7 is "contiguous": a file like any other
KINDS = {
    ord("1"): "a hard link",
    ord("2"): "a symbolic link",
    ord("3"): "a device",
    ord("4"): "a device",
    ord("6"): "a pipe",
    ord("S"): "a sparse file",
}


@runtime_checkable
class Tape(Protocol):
    """A tar, unpacked, that is read forwards."""

    def seek(self, offset: int, /) -> int:
        """Go to an offset, not before the last one."""

    def read(self, size: int, /) -> bytes:
        """Read so many bytes, or fewer at the end."""


@dataclass(frozen=True, slots=True)
class Member:
    """One header: the tape stands at its first byte of content when it is given out."""

    name: str
    size: int
    start: int  # offset of the content
    kind: str  # "file", "folder", or what else it is, in words


@dataclass(frozen=True, slots=True)
class Cut:
    """Why the walk ended before the end mark."""

    offset: int  # of the first byte that could not be used
    reason: str


def members(tape: Tape) -> Iterator[Member | Cut]:
    """Give each member in order, and last a `Cut` where the file does not end as a tar does.

    The consumer may read the content from the tape, or leave it: the walk goes on by offset.
    A member whose content is cut is still given out, followed by the `Cut`.

    Args:
        tape: The unpacked tar, seekable forwards. Reading beyond the end gives fewer bytes, or
            raises `EOFError` or `OSError` where a packed stream is damaged; the caller's part.
    """
    at = 0
    extended: dict[str, str] = {}
    for _ in range(MAX_MEMBERS):
        header = _read_at(tape, at, BLOCK)
        if len(header) < BLOCK:
            yield Cut(at, "it ends without the mark that ends a tar")
            return
        if not any(header):
            return
        size = _size(header)
        if size is None:
            yield Cut(at, "what stands there is not a tar header")
            return
        flag = header[156]
        start = at + BLOCK
        if flag in b"xgLK":
            if size > MAX_EXTENDED_BYTES:
                yield Cut(at, f"an extended header claims {size:,} bytes")
                return
            extended |= _extended(flag, _read_at(tape, start, size))
        else:
            size = _declared(extended, size)
            if size is None:
                yield Cut(at, "an extended header gives a size that is no number")
                return
            sparse = any(key.startswith("GNU.sparse") for key in extended)
            kind = "a sparse file" if sparse else _kind(flag)
            name = extended.get("path") or _name(header)
            yield Member(name, size, start, "folder" if name.endswith("/") else kind)
            extended = {}
        at = start + (size + BLOCK - 1) // BLOCK * BLOCK
    yield Cut(at, f"it has more than {MAX_MEMBERS:,} members")


def _read_at(tape: Tape, offset: int, size: int) -> bytes:
    """Read from an offset; fewer bytes come back at the end of the file."""
    tape.seek(offset)
    return tape.read(size)


def _size(header: bytes) -> int | None:
    """Return the content's size, or None where the checksum or the size is wrong."""
    checksum = _number(header[148:156])
    if checksum is None or sum(header) - sum(header[148:156]) + 8 * 32 != checksum:
        return None
    return _number(header[124:136])


def _number(field: bytes) -> int | None:
    """Read an octal number, or GNU's binary one for sizes of 8 GiB and more."""
    digits = field.split(b"\0", 1)[0].strip()
    try:
        number = int.from_bytes(field[1:], "big") if field[0] == 0x80 else int(digits or b"0", 8)
    except ValueError:
        return None
    return number if 0 <= number < MAX_SIZE else None


def _name(header: bytes) -> str:
    """Join prefix and name; GNU's older format keeps other things where the prefix stands."""
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0":
        prefix = header[345:500].split(b"\0", 1)[0]
        name = prefix + b"/" + name if prefix else name
    return name.decode("utf-8", "backslashreplace")


def _kind(flag: int) -> str:
    """Say what a type flag means; an unknown one is a file by the standard, but not to us."""
    if flag in REGULAR:
        return "file"
    if flag == ord("5"):
        return "folder"
    return KINDS.get(flag, "of an unknown type")


def _extended(flag: int, content: bytes) -> dict[str, str]:
    """Read what an extended header says about the next member."""
    if flag == ord("L"):
        return {"path": content.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")}
    if flag != ord("x"):
        return {}  # K: a link's target; g: defaults of the whole archive, never a name or size
    fields: dict[str, str] = {}
    while content:
        length, _, rest = content.partition(b" ")
        if not length.isdigit() or not 0 < int(length[:6]) <= len(content):
            break
        key, _, value = rest[: int(length) - len(length) - 2].partition(b"=")
        fields[key.decode("utf-8", "replace")] = value.decode("utf-8", "backslashreplace")
        content = content[int(length) :]
    return fields


def _declared(extended: dict[str, str], size: int) -> int | None:
    """Take the size of an extended header where there is one."""
    said = extended.get("size")
    if said is None:
        return size
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else None
