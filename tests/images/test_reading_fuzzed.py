"""Damaged pictures of every format: an array or an `ImageError`, never anything else.

Seen to come out of the decoders here (Pillow 13.0, pillow-heif 1.8, 82,000 damaged files):
OSError, SyntaxError and ValueError everywhere, RuntimeError from AVIF and HEIC, EOFError from HEIC,
DecompressionBombError from GIF and WebP, and UserWarning from TIFF, AVIF and APNG where warnings
are errors, as they are here.
"""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline import settings as limits
from sightline.errors import ImageError
from sightline.images import read
from tiny_pictures import SAMPLES

PNG_HEAD = b"\x89PNG\r\n\x1a\n"

damages = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "drop", "insert"]),
        st.floats(0, 1, exclude_max=True),  # where, as a part of the length
        st.integers(0, 255) | st.sampled_from([0, 1, 127, 128, 255]),
    ),
    min_size=1,
    max_size=4,
)


def damaged(encoded: bytes, steps: list[tuple[str, float, int]]) -> bytes:
    for step, part, byte in steps:
        # Squared: most of what can go wrong stands near the beginning.
        i = int(part**2 * len(encoded))
        if step == "cut":
            encoded = encoded[: max(i, 8)]
        elif step == "drop":
            encoded = encoded[:i] + encoded[i + 1 + byte % 8 :]
        elif step == "insert":
            encoded = encoded[:i] + bytes([byte]) * (1 + byte % 8) + encoded[i:]
        else:
            encoded = encoded[:i] + bytes([byte]) + encoded[i + 1 :]
    return encoded


def with_png_checksums(encoded: bytes) -> bytes:
    """Make a damaged PNG's checksums right, so that what lies behind them is reached."""
    out, i = encoded[:8], 8
    while encoded.startswith(PNG_HEAD) and i + 12 <= len(encoded):
        (length,) = struct.unpack_from(">I", encoded, i)
        body = encoded[i + 4 : i + 8 + length]
        out += encoded[i : i + 4] + body + struct.pack(">I", zlib.crc32(body))
        i += 12 + length
    return out + encoded[i:]


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=25, deadline=None)
@given(steps=damages)
def test_damage_gives_a_picture_or_a_sentence(
    name: str, steps: list[tuple[str, float, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_IMAGE_PIXELS", 1_000_000)  # a large canvas would only cost time
        try:
            array = read(with_png_checksums(damaged(SAMPLES[name](), steps)))
        except ImageError as error:
            said = str(error)
            assert said.startswith("a picture of ")
            assert "\n" not in said
            assert len(said) < 260
        else:
            assert array.dtype == np.uint8
            assert array.ndim == 3


@settings(max_examples=200, deadline=None)
@given(encoded=st.binary(max_size=200))
def test_any_bytes_give_a_picture_or_a_sentence(encoded: bytes) -> None:
    with pytest.raises(ImageError):
        read(encoded)
