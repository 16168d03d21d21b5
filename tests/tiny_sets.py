"""Tiny tar shards and pictures, made where a test needs them."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

TarMember = tuple[str, bytes]


def picture(shade: int = 0, size: tuple[int, int] = (4, 3)) -> bytes:
    """Encode a small grey PNG."""
    stream = io.BytesIO()
    Image.new("L", size, shade).save(stream, "PNG")
    return stream.getvalue()


def record(caption: str) -> bytes:
    """Write the JSON of one caption."""
    return json.dumps({"captions": [caption]}).encode()


def tar_bytes(members: Sequence[TarMember], layout: int = tarfile.USTAR_FORMAT) -> bytes:
    """Write a tar as Python's library does."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=layout) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def write_shard(path: Path, members: Sequence[TarMember]) -> Path:
    """Write a plain tar."""
    path.write_bytes(tar_bytes(members))
    return path


def numbered(first: int, count: int) -> list[TarMember]:
    """Make members of so many examples; image and caption both hold the number."""
    members: list[TarMember] = []
    for number in range(first, first + count):
        members.append((f"{number:04}.jpg", f"image {number}".encode()))
        members.append((f"{number:04}.json", record(f"caption {number}")))
    return members


def write_numbered(folder: Path, counts: Sequence[int], stem: str = "shard") -> str:
    """Write shards of so many examples each, all numbers different; return their glob."""
    first = 0
    for number, count in enumerate(counts):
        write_shard(folder / f"{stem}-{number:03}.tar", numbered(first, count))
        first += count
    return str(folder / f"{stem}-*.tar")
