"""The picture formats that are read, told by their first bytes. Enter at `open_encoded`.

Only these decoders ever see a user's bytes. Pillow knows forty more (PostScript among them, which
it hands to another program), and `Image.open` warns or raises at a size that is not our limit;
so a row's class is called directly, which also leaves Pillow's global settings alone.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO

from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from sightline.errors import ImageError

# What Pillow and its C libraries were seen to raise on damaged files
# (tests/images/test_reading_fuzzed.py flips and cuts bytes of every format), and what their sources
# raise by name. A `Warning` arrives only where the caller turned warnings into errors.
DECODER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zlib.error,
)
_LONGEST_REASON = 120  # characters of a library's own message that ours may repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """One format: how it begins, what its files are called, and which class opens it."""

    name: str
    begins: re.Pattern[bytes]
    suffixes: tuple[str, ...]  # lower case
    module: str
    opener: str
    extra: str | None = None  # the extra that brings the module
    is_whole: Callable[[bytes], bool] | None = None  # where the decoder does not notice a cut file


class QuietJpeg(JpegImageFile):
    """Pillow's JPEG without its look for a resolution in EXIF, which warns when EXIF is broken."""

    def _read_dpi_from_exif(self) -> None:
        pass


def _begins(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


def _has_codestream_end(encoded: bytes) -> bool:
    """Look for JPEG 2000's end mark after its last tile began.

    A file cut between two tiles decodes without an error, the lost tiles grey. The standard keeps
    0xFF90 to 0xFFFF out of compressed data, so both marks can be searched for.
    """
    last_tile = max(encoded.rfind(b"\xff\x90\0\x0a"), 0)
    return encoded.find(b"\xff\xd9", last_tile) >= 0


DECODERS: tuple[Decoder, ...] = (
    Decoder(
        name="JPEG",
        begins=_begins(rb"\xff\xd8\xff"),
        suffixes=(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),  # several pictures: the first one
        module=__name__,
        opener="QuietJpeg",
    ),
    Decoder(
        name="PNG",
        begins=_begins(rb"\x89PNG\r\n\x1a\n"),
        suffixes=(".png", ".apng"),
        module="PIL.PngImagePlugin",
        opener="PngImageFile",
    ),
    Decoder(
        name="GIF",
        begins=_begins(rb"GIF8[79]a"),
        suffixes=(".gif",),
        module="PIL.GifImagePlugin",
        opener="GifImageFile",
    ),
    Decoder(
        name="WebP",
        begins=_begins(rb"RIFF....WEBP"),
        suffixes=(".webp",),
        module="PIL.WebPImagePlugin",
        opener="WebPImageFile",
    ),
    Decoder(
        name="TIFF",
        begins=_begins(rb"II[*+]\0|MM\0[*+]"),
        suffixes=(".tif", ".tiff"),
        module="PIL.TiffImagePlugin",
        opener="TiffImageFile",
    ),
    Decoder(
        name="BMP",
        begins=_begins(rb"BM"),
        suffixes=(".bmp",),
        module="PIL.BmpImagePlugin",
        opener="BmpImageFile",
    ),
    Decoder(
        name="JPEG 2000",
        begins=_begins(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"),
        suffixes=(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        module="PIL.Jpeg2KImagePlugin",
        opener="Jpeg2KImageFile",
        is_whole=_has_codestream_end,
    ),
    Decoder(
        name="PNM",
        begins=_begins(rb"P[1-6f][\s#]"),
        suffixes=(".pbm", ".pgm", ".ppm", ".pnm", ".pfm"),
        module="PIL.PpmImagePlugin",
        opener="PpmImageFile",
    ),
    # AVIF and HEIC are one container; a general first brand leaves it to the list that follows.
    Decoder(
        name="AVIF",
        begins=_begins(rb"....ftyp(?:avi[fs]|m[is]f1.{4}(?:.{4})*?avi[fs])"),
        suffixes=(".avif", ".avifs"),
        module="PIL.AvifImagePlugin",
        opener="AvifImageFile",
    ),
    Decoder(
        name="HEIC",
        begins=_begins(rb"....ftyp(?:he[iv][cmsx]|m[is]f1)"),
        suffixes=(".heic", ".heif", ".hif"),
        module="pillow_heif",
        opener="HeifImageFile",
        extra="heif",
    ),
)

SUFFIXES = frozenset(suffix for decoder in DECODERS for suffix in decoder.suffixes)


def open_encoded(encoded: bytes, name: str) -> tuple[Image.Image, str]:
    """Open a picture by its first bytes, header only.

    Args:
        encoded: The whole file.
        name: What messages call it.

    Returns:
        The Pillow image, not yet decoded, and the name of its format.

    Raises:
        ImageError: Of no format read here, its header is damaged, or an extra is missing.
    """
    decoder = next((d for d in DECODERS if d.begins.match(encoded[:64])), None)
    if decoder is None:
        raise ImageError(
            f"{name} is not a picture of a format that is read here "
            f"(it begins with {encoded[:12]!r}): save it as JPEG or PNG"
        )
    if decoder.is_whole is not None and not decoder.is_whole(encoded):
        raise ImageError(
            f"{name} is a damaged {decoder.name} (its end is missing): "
            "get it again from where it came"
        )
    opener = _opener(decoder, name)
    with damage_named(name, decoder.name):
        return opener(BytesIO(encoded)), decoder.name


def _opener(decoder: Decoder, name: str) -> Callable[[BytesIO], ImageFile.ImageFile]:
    try:
        module = import_module(decoder.module)
    except ImportError as error:
        if decoder.extra is None:
            raise
        raise ImageError(
            f"{name} is a {decoder.name} picture, which needs an extra: "
            f"install sightline[{decoder.extra}]"
        ) from error
    opener: Callable[[BytesIO], ImageFile.ImageFile] = getattr(module, decoder.opener)
    return opener


@contextmanager
def damage_named(name: str, kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one `ImageError` sentence.

    Args:
        name: What the message calls the picture.
        kind: What it should have been, "JPEG" say.
    """
    try:
        yield
    except ImageError:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # The WebP and GIF decoders hold to Pillow's own limit before ours can be asked.
        raise ImageError(f"{name} is too large to decode: shrink it first") from error
    except DECODER_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if len(reason) > _LONGEST_REASON:
            reason = reason[: _LONGEST_REASON - 1] + "…"
        raise ImageError(
            f"{name} is a damaged {kind} ({reason}): get it again from where it came"
        ) from error
