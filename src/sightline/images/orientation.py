"""Which way up a picture is, by its EXIF or XMP note. Enter at `turn_of`.

Pillow can read the note too, but it prints warnings and raises on a broken one. Here a broken
note is no note: a picture that can be decoded is never lost to its metadata.
"""

import re
import struct
from collections.abc import Mapping
from typing import Any

from PIL.Image import Transpose

_ORIENTATION_TAG = 0x0112
_SHORT, _LONG = 3, 4  # the two TIFF types that cameras and editors write the tag in
_ENTRY_BYTES = 12
_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')

# EXIF 2.3, tag 0x0112: what undoes each value. 1, and anything unknown, is upright.
_TURNS: Mapping[int, Transpose] = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def turn_of(info: Mapping[Any, object]) -> Transpose | None:
    """Return the turn that brings a loaded Pillow image upright, None where it is upright.

    Args:
        info: The `info` of a Pillow image, *after* loading: PNG may keep its note at the end.
    """
    value = _in_exif(_exif_block(info))
    if value is None:
        value = _in_xmp(info)
    return _TURNS.get(value or 1)


def _exif_block(info: Mapping[Any, object]) -> bytes:
    block = info.get("exif")
    if isinstance(block, bytes):
        return block
    # ImageMagick writes a PNG's EXIF as text: two lines of heading, then hexadecimal.
    text = info.get("Raw profile type exif")
    if isinstance(text, str):
        try:
            return bytes.fromhex("".join(text.split("\n")[3:]))
        except ValueError:
            return b""
    return b""


def _in_exif(block: bytes) -> int | None:
    """Find the orientation in a TIFF header's first directory; None where it has none."""
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return None
    try:
        (directory,) = struct.unpack_from(f"{order}I", block, 4)
        (entries,) = struct.unpack_from(f"{order}H", block, directory)
        for i in range(entries):
            entry = directory + 2 + _ENTRY_BYTES * i
            tag, kind = struct.unpack_from(f"{order}HH", block, entry)
            if tag == _ORIENTATION_TAG and kind in (_SHORT, _LONG):
                value: int = struct.unpack_from(order + "HI"[kind == _LONG], block, entry + 8)[0]
                return value
    except struct.error:  # points outside itself: broken, so it says nothing
        return None
    return None


def _in_xmp(info: Mapping[Any, object]) -> int | None:
    note = info.get("XML:com.adobe.xmp") or info.get("xmp")
    if isinstance(note, str):
        note = note.encode(errors="replace")
    found = _XMP.search(note) if isinstance(note, bytes) else None
    return int(found[1]) if found else None
