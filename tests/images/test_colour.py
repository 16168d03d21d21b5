"""Oracle: each rule of the page on pictures spelled out in exact fractions."""

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightline.errors import ImageError
from sightline.images import read
from tiny_pictures import encode, noise, smooth


def nearest(value: Fraction) -> int:
    """Round to nearest; no half ever comes up, because 255 and 257 are odd."""
    return int(value + Fraction(1, 2))


def over_white(level: int, alpha: int) -> int:
    return nearest(Fraction(level * alpha + 255 * (255 - alpha), 255))


def reason(image: Image.Image | bytes) -> str:
    with pytest.raises(ImageError) as caught:
        read(image)
    return str(caught.value)


def test_every_level_under_every_alpha_lies_over_white() -> None:
    levels, alphas = np.meshgrid(np.arange(256), np.arange(256))
    planes = (levels, 255 - levels, levels, alphas)
    rgba = Image.fromarray(np.stack(planes, axis=2).astype(np.uint8))
    want = [[over_white(level, alpha) for level in range(256)] for alpha in range(256)]
    got = read(encode(rgba, "PNG"))
    assert np.array_equal(got[:, :, 0], want)
    assert np.array_equal(got[:, ::-1, 1], want)


def test_control_dropping_alpha_shows_the_hidden_colour() -> None:
    hidden = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    assert np.asarray(hidden.convert("RGB"))[0, 0].tolist() == [255, 0, 0]
    assert read(hidden)[0, 0].tolist() == [255, 255, 255]


def test_grey_with_alpha_lies_over_white() -> None:
    grey = Image.merge("LA", (Image.new("L", (2, 2), 100), Image.new("L", (2, 2), 51)))
    assert read(encode(grey, "PNG"))[0, 0].tolist() == [over_white(100, 51)] * 3


@pytest.mark.parametrize(("mode", "premultiplied"), [("LA", "La"), ("RGBA", "RGBa")])
def test_premultiplied_alpha_lies_over_white_too(mode: str, premultiplied: str) -> None:
    image = Image.new(mode, (2, 2), (100,) * (len(mode) - 1) + (51,))
    assert read(image.convert(premultiplied)).tolist() == read(image).tolist()


def test_a_palette_becomes_its_colours() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 210, 220])
    palette.putpixel((1, 0), 1)
    assert read(encode(palette, "PNG")).tolist() == [[[10, 20, 30], [200, 210, 220]]]


@pytest.mark.parametrize(
    ("transparency", "want"),
    [
        (1, [[10, 20, 30], [255, 255, 255]]),
        (b"\xff\x33", [[10, 20, 30], [over_white(v, 51) for v in (200, 210, 220)]]),
    ],
)
def test_clear_palette_entries_lie_over_white(
    transparency: int | bytes, want: list[list[int]]
) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 210, 220])
    palette.putpixel((1, 0), 1)
    assert read(encode(palette, "PNG", transparency=transparency)).tolist() == [want]


def test_a_palette_that_holds_alpha_lies_over_white() -> None:
    palette = Image.new("P", (1, 1))
    palette.putpalette([200, 210, 220, 51], "RGBA")
    assert read(palette)[0, 0].tolist() == [over_white(v, 51) for v in (200, 210, 220)]


def test_a_clear_pixel_of_a_gif_is_white() -> None:
    gif = Image.new("P", (2, 1))
    gif.putpalette([10, 20, 30, 200, 210, 220])
    gif.putpixel((1, 0), 1)
    assert read(encode(gif, "GIF", transparency=1)).tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize(
    ("mode", "colour", "clear"),
    [("L", 100, 100), ("RGB", (1, 2, 3), (1, 2, 3)), ("1", 0, 0), ("I;16", 700, 700)],
)
def test_the_colour_that_stands_for_clear_is_white(
    mode: str, colour: int | tuple[int, int, int], clear: object
) -> None:
    image = Image.new(mode, (2, 1), colour)
    assert read(encode(image, "PNG"))[0, 0].max() < 255  # control: opaque where nothing says clear
    assert read(encode(image, "PNG", transparency=clear)).tolist() == [[[255] * 3] * 2]


def test_one_bit_is_black_and_white() -> None:
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    assert read(encode(image, "PNG")).tolist() == [[[0] * 3, [255] * 3]]


def test_grey_is_the_same_in_each_channel() -> None:
    grey = Image.fromarray(noise()[:, :, 0])
    assert np.array_equal(read(encode(grey, "PNG")), noise()[:, :, :1].repeat(3, axis=2))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_by_257(format: str) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    want = [nearest(Fraction(value, 257)) for value in range(65536)]
    got = read(encode(Image.fromarray(values), format))
    assert got[:, :, 1].ravel().tolist() == want


@pytest.mark.parametrize("mode", ["I", "I;16", "I;16B", "I;16L", "I;16N"])
def test_each_mode_of_wide_grey_is_scaled_by_257(mode: str) -> None:
    image = Image.new(mode, (2, 1))
    image.putpixel((1, 0), 257 * 200)
    assert read(image)[0, :, 0].tolist() == [0, 200]


def test_control_pillow_alone_clips_16_bit_grey_to_white() -> None:
    values = np.full((1, 1), 4000, dtype=np.int32)
    assert np.asarray(Image.fromarray(values).convert("RGB"))[0, 0, 0] == 255
    assert read(Image.fromarray(values))[0, 0, 0] == nearest(Fraction(4000, 257)) == 16


@pytest.mark.parametrize(("low", "high"), [(-5, 70), (7, 70000)])
def test_grey_beyond_16_bits_is_refused(low: int, high: int) -> None:
    values = np.array([[low, high]], dtype=np.int32)
    assert reason(Image.fromarray(values)) == (
        f"the Pillow image has grey values from {low} to {high} "
        "where 0 is black and 65535 is white: rescale it to 16 bits"
    )


@pytest.mark.parametrize("white", [1, 255, 65535])
def test_floats_are_scaled_by_the_smallest_white_that_holds_them(white: int) -> None:
    values = np.array([[0, white / 5, white]], dtype=np.float32)
    assert read(encode(Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == [0, 51, 255]


@pytest.mark.parametrize(
    ("values", "said"),
    [([-0.5, 1], "-0.5 to 1"), ([0, 7e4], "0 to 70000"), ([0, np.nan], "nan to nan")],
)
def test_floats_without_a_known_white_are_refused(values: list[float], said: str) -> None:
    image = Image.fromarray(np.array([values], dtype=np.float32))
    assert reason(image) == (
        f"the Pillow image has floating-point values from {said}: "
        "rescale them to 0 (black) to 1 (white)"
    )


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB", "RGBX"])
def test_other_colour_spaces_go_through_pillow(mode: str) -> None:
    image = Image.fromarray(smooth()).convert(mode)
    got = read(image)
    assert np.array_equal(got, np.asarray(image.convert("RGB")))
    assert np.abs(got.astype(int) - smooth()).max() < 16


def test_a_cmyk_jpeg_is_not_inverted() -> None:
    # Adobe stores CMYK upside down; a reader that misses it shows a negative.
    cmyk = Image.fromarray(smooth()).convert("CMYK")
    got = read(encode(cmyk, "JPEG", quality=95)).astype(int)
    assert np.abs(got - smooth()).max() < 16


def _ycck() -> bytes:
    """A CMYK JPEG as YCCK: Adobe's marker with transform 2 before the components of YCbCr + K."""
    cmyk = Image.fromarray(smooth()).convert("CMYK")
    cyan, magenta, yellow, black = (np.asarray(band) for band in cmyk.split())
    inks = Image.fromarray(np.stack([cyan, magenta, yellow], axis=2)).convert("YCbCr")
    # libjpeg takes inks as 255 less the colours of YCC, and Adobe's files (so Pillow, when it
    # writes and when it reads) hold every band inverted: once more for what is handed over here.
    bands = [255 - np.asarray(band) for band in inks.split()]
    stored = Image.merge("CMYK", [Image.fromarray(band) for band in (*bands, black)])
    plain = encode(stored, "JPEG", quality=98, subsampling=0)
    marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x02"
    start = plain.index(b"\xff\xee")
    return plain[:start] + marker + plain[start + len(marker) :]


def test_a_ycck_jpeg_has_the_colours_of_its_cmyk() -> None:
    got = read(_ycck()).astype(int)
    assert np.abs(got - smooth()).max() < 16


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_16_bit_colour_keeps_its_high_byte(
    mode: str, png_of_depth_16: Callable[..., bytes]
) -> None:
    # Pillow has no 16-bit colour: within one level of the rounded value.
    values = [0, 255, 256, 32768, 65279, 65535]
    got = read(png_of_depth_16(mode, values))[0, :, 0].astype(int)
    assert np.abs(got - [nearest(Fraction(value, 257)) for value in values]).max() <= 1


@pytest.fixture
def png_of_depth_16() -> Callable[..., bytes]:
    """Return a writer of one-row 16-bit PNGs: Pillow cannot write them."""

    def write(mode: str, values: list[int]) -> bytes:
        colour_type = {"RGB": 2, "RGBA": 6, "LA": 4}[mode]
        colours = {"RGB": 3, "RGBA": 3, "LA": 1}[mode]
        row = b"\0"
        for value in values:
            opaque = [65535] if mode.endswith("A") else []
            channels = [value] * colours + opaque
            row += struct.pack(f">{len(channels)}H", *channels)
        header = struct.pack(">IIBBBBB", len(values), 1, 16, colour_type, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )

    return write


notes = st.none() | st.integers(-3, 300) | st.binary(max_size=4) | st.tuples(st.integers())


@given(
    mode=st.sampled_from(["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "LA"]),
    note=notes,
)
def test_a_strange_note_on_transparency_is_read_or_refused(mode: str, note: object) -> None:
    image = Image.new(mode, (3, 2))
    image.info["transparency"] = note
    with suppress(ImageError):
        assert read(image).shape == (2, 3, 3)


def test_a_note_on_transparency_that_means_nothing_is_refused() -> None:
    image = Image.new("L", (3, 2))
    image.info["transparency"] = "none"
    assert reason(image).startswith("the Pillow image is a damaged L image (")
