"""One WebDataset tar shard, plain or gzip-packed, as numbered examples. Enter at `TarShard.open`.

A plain tar stays on disk and is read by offset; of a packed one only the pictures and records
stay in memory. Members of one key are joined wherever they stand in the shard.
"""

import gzip
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from sightline.data.example import Example, Skipped, Tally, storable
from sightline.data.record import (
    MAX_RECORD_BYTES,
    Words,
    join,
    name_class,
    read_json,
    read_text,
    tidy,
)
from sightline.data.tape import Cut, Member, Tape, members
from sightline.errors import DataError
from sightline.settings import MAX_IMAGE_BYTES

IMAGE_KINDS = frozenset({"jpg", "jpeg", "png", "webp"})
WORD_KINDS = ("json", "txt", "cls")  # in this order their words are joined
MAX_UNPACKED_BYTES = 2 * 2**30  # of a packed shard: its pictures are kept in memory


class Span(NamedTuple):
    """Where the content of one member lies: in the file, or in memory for a packed shard."""

    kind: str
    start: int
    size: int


class TarShard:
    """A shard that can be opened, as often as wanted."""

    def __init__(self, path: Path, *, source: str, class_names: Sequence[str] = ()) -> None:
        self.path = path
        self.name = storable(path.name)
        self.packed = path.suffix.lower() in (".gz", ".tgz")
        self.stored_bytes = path.stat().st_size
        self.identity = f"{self.name} {self.stored_bytes}"
        self._source = source
        self._class_names = class_names

    def open(self, tally: Tally) -> "TarRecords":
        """Index the shard; what cannot become an example is added to the tally.

        Raises:
            DataError: The file cannot be opened.
        """
        index = _Index(self.name, tally)
        try:
            if self.packed:
                with gzip.open(self.path) as unpacked:
                    content = _read_packed(_Bounded(unpacked), index)
                read: Callable[[Span], bytes] = content.read
            else:
                with self.path.open("rb") as tape:
                    _read_plain(tape, self.stored_bytes, index)
                read = _File(self.path, self.stored_bytes).read
        except OSError as error:
            raise DataError(f"shard {self.path} cannot be read: {error.strerror}") from error
        return TarRecords(index.entries(), read, source=self._source, names=self._class_names)


class TarRecords:
    """The examples of an opened shard, by number."""

    def __init__(
        self,
        entries: Sequence[tuple[str, tuple[Span, ...]]],
        read: Callable[[Span], bytes],
        *,
        source: str,
        names: Sequence[str],
    ) -> None:
        self._entries = entries
        self._read = read
        self._source = source
        self._names = names

    def __len__(self) -> int:
        return len(self._entries)

    def read(self, number: int) -> Example | Skipped:
        """Read one example, or say why its record is none."""
        key, (image, *spans) = self._entries[number]
        contents = [(span.kind, self._read(span)) for span in spans]
        try:
            words = join([self._words(kind, content) for kind, content in contents])
        except ValueError as error:
            return Skipped(key=key, kind="bad record", reason=f"{key} was skipped: {error}")
        if not words.texts:
            return Skipped(
                key=key, kind="image without text", reason=f"{key} has neither caption nor label"
            )
        return Example(
            key=key,
            image=self._read(image),
            texts=words.texts,
            label=words.label,
            group=words.group,
            source=words.source or self._source,
        )

    def _words(self, kind: str, content: bytes) -> Words:
        if kind == "json":
            return read_json(content, self._names)
        text = read_text(content)
        if kind == "cls":
            return Words(label=name_class(text, self._names) or None)
        return Words(texts=tidy(text.split("\n")))  # one a line, as CLIP_benchmark writes them


class _Index:
    """What the walk over a shard has found so far."""

    def __init__(self, shard: str, tally: Tally) -> None:
        self._shard = shard
        self._tally = tally
        self._spans: dict[str, list[Span]] = {}

    def skip(self, key: str, kind: str, why: str) -> None:
        reason = f"{key} in {self._shard} {why}"
        self._tally.add(Skipped(key=key, kind=kind, reason=reason))

    def cut(self, offset: int, why: str) -> None:
        """Note that the shard ends early."""
        reason = (
            f"shard {self._shard} is cut or damaged at byte {offset:,} ({why}): what stands "
            "before was read, fetch the shard again for the rest"
        )
        self._tally.add(Skipped(key=self._shard, kind="damaged shard", reason=reason))

    def wants(self, member: Member) -> tuple[str, str] | None:
        """Return key and kind of a member that belongs to an example, or None."""
        folder, slash, base = member.name.rpartition("/")
        stem, _, kind = base.partition(".")
        kind = kind.lower()
        if member.kind == "folder" or not stem:
            return None  # a dot file is no example; macOS writes one beside each picture
        if member.kind != "file":
            self.skip(member.name, "link or device", f"is {member.kind}, which is never followed")
        elif kind not in IMAGE_KINDS and kind not in WORD_KINDS:
            if kind.rpartition(".")[2] in IMAGE_KINDS:
                self.skip(
                    member.name,
                    "second dot in a name",
                    f"reads as kind {kind!r} of key {stem!r}: leave one dot in the name",
                )
        elif member.name.startswith("/") or ".." in folder.split("/"):
            self.skip(member.name, "path outside the shard", "has a path that leads out of it")
        elif member.size > (MAX_IMAGE_BYTES if kind in IMAGE_KINDS else MAX_RECORD_BYTES):
            self.skip(member.name, "too large", f"has {member.size:,} bytes, more than is read")
        elif self._is_taken(folder + slash + stem, kind):
            self.skip(member.name, "duplicate key", "comes a second time: the first was kept")
        else:
            return folder + slash + stem, kind
        return None

    def _is_taken(self, key: str, kind: str) -> bool:
        """Tell whether the key has such a part already; one picture is all it may have."""
        kinds = {span.kind for span in self._spans.get(key, ())}
        return not kinds.isdisjoint(IMAGE_KINDS) if kind in IMAGE_KINDS else kind in kinds

    def add(self, key: str, span: Span) -> None:
        self._spans.setdefault(key, []).append(span)

    def entries(self) -> list[tuple[str, tuple[Span, ...]]]:
        """Give (key, image and records) of each whole example, in stored order."""
        found = []
        for key, spans in self._spans.items():
            images = [span for span in spans if span.kind in IMAGE_KINDS]
            words = [span for kind in WORD_KINDS for span in spans if span.kind == kind]
            if images and words:
                found.append((key, (*images, *words)))
            elif images:
                why = "has an image but no .json, .txt or .cls"
                self.skip(key, "image without text", why)
            else:
                self.skip(key, "text without image", "has words but no image")
        return found


def _read_plain(tape: Tape, size: int, index: _Index) -> None:
    """Index a plain tar: its content stays where it is."""
    for member in members(tape):
        if isinstance(member, Cut):
            index.cut(min(member.offset, size), member.reason)
        elif member.start + member.size > size:
            index.cut(size, f"inside {member.name}")
            return
        elif wanted := index.wants(member):
            key, kind = wanted
            index.add(key, Span(kind, member.start, member.size))


def _read_packed(tape: "_Bounded", index: _Index) -> "_Memory":
    """Unpack a shard once, keeping what belongs to examples."""
    content = bytearray()
    try:
        for member in members(tape):
            if isinstance(member, Cut):
                index.cut(min(member.offset, tape.tell()), member.reason)
            elif wanted := index.wants(member):
                key, kind = wanted
                part = tape.read(member.size)
                if len(part) < member.size:
                    index.cut(tape.tell(), f"inside {member.name}")
                    break
                index.add(key, Span(kind, len(content), member.size))
                content += part
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        index.cut(tape.tell(), f"the packing fails: {error}")
    except _TooLarge:
        why = f"it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes, gunzip it to read it all"
        index.cut(tape.tell(), why)
    return _Memory(bytes(content))


class _TooLarge(Exception):
    """A packed shard goes on beyond the limit."""


class _Bounded:
    """An unpacked stream that ends a bomb before it has filled the memory."""

    def __init__(self, unpacked: gzip.GzipFile) -> None:
        self._unpacked = unpacked

    def tell(self) -> int:
        return self._unpacked.tell()

    def seek(self, offset: int, /) -> int:
        if offset > MAX_UNPACKED_BYTES:
            raise _TooLarge
        return self._unpacked.seek(offset)

    def read(self, size: int, /) -> bytes:
        if self._unpacked.tell() + size > MAX_UNPACKED_BYTES:
            raise _TooLarge
        return self._unpacked.read(size)


class _Memory:
    """The content of a packed shard."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, span: Span) -> bytes:
        return self._content[span.start : span.start + span.size]


class _File:
    """A plain tar on disk, opened for each read: a run may hold thousands of shards."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def read(self, span: Span) -> bytes:
        with self._path.open("rb", buffering=0) as file:
            file.seek(span.start)
            content = file.read(span.size)
        if len(content) < span.size:
            raise DataError(f"shard {self._path} became shorter while it was being read")
        return content
