"""Oracle: Pillow's own `ImageOps.exif_transpose`, on notes that it can read."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.Image import Transpose

from sightline.images.orientation import turn_of
from tiny_pictures import noise, oriented

XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'


def note(order: str, value: int, *, kind: int = 3, tag: int = 0x0112, start: int = 8) -> bytes:
    """Spell out an EXIF block of two entries, the second one the orientation."""
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, start)
    maker = struct.pack(f"{order}HHI4s", 0x010F, 2, 2, b"a\0\0\0")
    held = struct.pack(f"{order}H2x" if kind == 3 else f"{order}I", value)
    entry = struct.pack(f"{order}HHI", tag, kind, 1) + held
    body = struct.pack(f"{order}H", 2) + maker + entry + struct.pack(f"{order}I", 0)
    return head + bytes(start - 8) + body


def by_pillow(info: dict[str, object]) -> np.ndarray:
    image = Image.fromarray(noise())
    image.info.update(info)
    return np.asarray(ImageOps.exif_transpose(image))


def by_us(info: dict[str, object]) -> np.ndarray:
    turn = turn_of(info)
    image = Image.fromarray(noise())
    return np.asarray(image if turn is None else image.transpose(turn))


@pytest.mark.parametrize("value", range(10))
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0", b"Exif\0\0Exif\0\0"])
def test_agrees_with_pillow_on_every_value(
    value: int, order: str, kind: int, prefix: bytes
) -> None:
    info: dict[str, object] = {"exif": prefix + note(order, value, kind=kind)}
    assert np.array_equal(by_us(info), by_pillow(info))


def test_control_the_eight_values_give_eight_pictures() -> None:
    turned = {by_us({"exif": note("<", value)}).tobytes() for value in range(1, 9)}
    assert len(turned) == 8


@pytest.mark.parametrize("value", range(1, 9))
def test_agrees_with_pillow_on_xmp(value: int) -> None:
    for info in ({"xmp": XMP % value}, {"XML:com.adobe.xmp": (XMP % value).decode()}):
        assert np.array_equal(by_us(dict(info)), by_pillow(dict(info)))


def test_exif_is_believed_before_xmp() -> None:
    assert turn_of({"exif": note("<", 1), "xmp": XMP % 6}) is None
    assert turn_of({"exif": note("<", 1, tag=0x0110), "xmp": XMP % 6}) is Transpose.ROTATE_270


def test_exif_written_as_text_is_read() -> None:
    text = "\nexif\n      60\n" + oriented(6).tobytes().hex() + "\n"
    info: dict[str, object] = {"Raw profile type exif": text}
    assert np.array_equal(by_us(info), by_pillow(info))
    assert turn_of(info) is Transpose.ROTATE_270
    assert turn_of({"Raw profile type exif": "\nexif\n 2\nno hex"}) is None


@pytest.mark.parametrize("cut", range(len(note("<", 6)) - 8))
def test_a_note_cut_short_is_no_note(cut: int) -> None:
    assert turn_of({"exif": note("<", 6)[:cut]}) is None


def test_a_directory_elsewhere_is_followed() -> None:
    assert turn_of({"exif": note(">", 8, start=30)}) is Transpose.ROTATE_90


@given(
    block=st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: b"II*\0" + rest),
    xmp=st.none() | st.text(max_size=9) | st.binary(max_size=9) | st.integers(),
)
def test_no_note_whatever_raises(block: bytes, xmp: object) -> None:
    assert turn_of({"exif": block, "xmp": xmp}) in {None, *Transpose}
