"""Tiny pictures in every format that is read, made in memory. Enter at `encode` and `SAMPLES`."""

from collections.abc import Callable, Mapping
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import Image

HEIGHT, WIDTH = 11, 14  # odd and even, not square: a wrong turn cannot hide


def noise(height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A gradient: a lossy format keeps it nearly as it is."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = (rows * 9 + 40, columns * 9 + 40, (rows + columns) * 5 + 40)
    return np.stack(planes, axis=2).astype(np.uint8)


def encode(image: Image.Image, format: str, **options: object) -> bytes:
    file = BytesIO()
    if format == "HEIF":
        # Not through `register_heif_opener`: that would change Pillow for the whole process.
        pillow_heif.from_pillow(image).save(file, quality=-1, chroma=444)
    else:
        image.save(file, format, **options)
    return file.getvalue()


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x0112] = orientation
    return exif


def _rgb() -> Image.Image:
    return Image.fromarray(noise())


def _few_colours() -> Image.Image:
    return _rgb().quantize(6)


def _deep() -> Image.Image:
    return Image.fromarray(np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 400)


def _frames(format: str, **options: object) -> bytes:
    frames = [Image.fromarray(noise(seed=seed)) for seed in range(3)]
    return encode(frames[0], format, save_all=True, append_images=frames[1:], **options)


SAMPLES: Mapping[str, Callable[[], bytes]] = {
    "JPEG": lambda: encode(_rgb(), "JPEG", exif=oriented(6)),
    "JPEG progressive": lambda: encode(_rgb(), "JPEG", progressive=True),
    "JPEG CMYK": lambda: encode(_rgb().convert("CMYK"), "JPEG"),
    "PNG": lambda: encode(_rgb(), "PNG", exif=oriented(6)),
    "PNG palette": lambda: encode(_few_colours(), "PNG", transparency=1),
    "PNG alpha": lambda: encode(_rgb().convert("RGBA"), "PNG"),
    "PNG 16 bit": lambda: encode(_deep(), "PNG"),
    "PNG animated": lambda: _frames("PNG"),
    "GIF": lambda: encode(_few_colours(), "GIF", transparency=2),
    "GIF animated": lambda: _frames("GIF"),
    "WebP": lambda: encode(_rgb(), "WEBP", exif=oriented(6)),
    "WebP lossless": lambda: encode(_rgb().convert("RGBA"), "WEBP", lossless=True),
    "WebP animated": lambda: _frames("WEBP", lossless=True),
    "TIFF": lambda: encode(_rgb(), "TIFF", exif=oriented(6)),
    "TIFF LZW": lambda: encode(_rgb(), "TIFF", compression="tiff_lzw"),
    "TIFF deflate": lambda: encode(_rgb(), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF JPEG": lambda: encode(_rgb(), "TIFF", compression="jpeg"),
    "TIFF PackBits": lambda: encode(_rgb(), "TIFF", compression="packbits"),
    "TIFF fax": lambda: encode(_rgb().convert("1"), "TIFF", compression="group4"),
    "TIFF float": lambda: encode(_rgb().convert("F"), "TIFF"),
    "TIFF LAB": lambda: encode(_rgb().convert("LAB"), "TIFF"),
    "BMP": lambda: encode(_rgb(), "BMP"),
    "BMP palette": lambda: encode(_few_colours(), "BMP"),
    "JPEG 2000": lambda: encode(_rgb(), "JPEG2000"),
    "JPEG 2000 codestream": lambda: encode(_rgb(), "JPEG2000", no_jp2=True),
    "PPM": lambda: encode(_rgb(), "PPM"),
    "PGM": lambda: encode(_rgb().convert("L"), "PPM"),
    "PGM 16 bit": lambda: encode(_deep().convert("I"), "PPM"),
    "PBM": lambda: encode(_rgb().convert("1"), "PPM"),
    "PFM": lambda: encode(_rgb().convert("F"), "PPM"),
    "PPM text": lambda: b"P3\n# by hand\n2 2\n255\n1 2 3 4 5 6 7 8 9 10 11 12\n",
    "PBM text": lambda: b"P1\n2 2\n1 0 0 1\n",
    "AVIF": lambda: encode(_rgb(), "AVIF", exif=oriented(6)),
    "HEIC": lambda: encode(_rgb(), "HEIF"),
}
