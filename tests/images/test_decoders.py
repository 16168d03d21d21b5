import struct
from importlib import import_module
from io import BytesIO

import pytest
from PIL import Image, ImageFile

from sightline.errors import ImageError
from sightline.images.decoders import DECODERS, SUFFIXES, damage_named, open_encoded
from tiny_pictures import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_each_sample_is_told_by_its_first_bytes(name: str) -> None:
    kinds = {"PPM": "PNM", "PGM": "PNM", "PBM": "PNM", "PFM": "PNM"}
    first = name.split()[0]
    want = "JPEG 2000" if name.startswith("JPEG 2000") else kinds.get(first, first)
    assert open_encoded(SAMPLES[name](), name)[1] == want


def test_every_decoder_has_a_sample() -> None:
    told = {open_encoded(make(), name)[1] for name, make in SAMPLES.items()}
    assert told == {decoder.name for decoder in DECODERS}


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)
def test_each_row_names_a_class_of_pillows_kind(decoder: object) -> None:
    module, opener = decoder.module, decoder.opener  # type: ignore[attr-defined]
    assert issubclass(getattr(import_module(module), opener), ImageFile.ImageFile)


def test_no_suffix_belongs_to_two_formats() -> None:
    assert len(SUFFIXES) == sum(len(decoder.suffixes) for decoder in DECODERS)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)


@pytest.mark.parametrize("format", ["EPS", "PDF", "ICO", "TGA", "PCX", "SGI"])
def test_what_pillow_could_open_but_we_do_not_mean_to_is_refused(format: str) -> None:
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, format)
    with pytest.raises(ImageError, match="is not a picture of a format that is read here"):
        open_encoded(file.getvalue(), "'it'")


@pytest.mark.parametrize(
    ("brands", "want"),
    [
        (b"avif\0\0\0\0mif1miaf", "AVIF"),
        (b"avis\0\0\0\0avifmsf1", "AVIF"),
        (b"mif1\0\0\0\0miafavif", "AVIF"),
        (b"mif1\0\0\0\0heicmiaf", "HEIC"),
        (b"heic\0\0\0\0mif1heic", "HEIC"),
        (b"hevc\0\0\0\0msf1hevc", "HEIC"),
    ],
)
def test_the_brands_of_one_container_are_told_apart(brands: bytes, want: str) -> None:
    with pytest.raises(ImageError, match=f"^it is a damaged {want} "):
        open_encoded((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands, "it")


def test_a_film_in_the_same_container_is_refused() -> None:
    film = b"\0\0\0\x18ftypisom\0\0\0\0isommp41"
    with pytest.raises(ImageError) as caught:
        open_encoded(film, "'film.mp4'")
    assert str(caught.value) == (
        "'film.mp4' is not a picture of a format that is read here "
        r"(it begins with b'\x00\x00\x00\x18ftypisom'): save it as JPEG or PNG"
    )


def test_the_reason_of_a_decoder_becomes_one_short_line() -> None:
    with pytest.raises(ImageError) as caught, damage_named("'it'", "PNG"):
        raise SyntaxError("two\nlines " + "x" * 200)
    assert str(caught.value) == (
        "'it' is a damaged PNG (two lines " + "x" * 109 + "…): get it again from where it came"
    )


@pytest.mark.parametrize(
    "error", [OSError, SyntaxError, ValueError, RuntimeError, KeyError, UserWarning, struct.error]
)
def test_what_decoders_raise_becomes_a_sentence(error: type[Exception]) -> None:
    with pytest.raises(ImageError) as caught, damage_named("'it'", "AVIF"):
        raise error(7)
    assert str(caught.value) == "'it' is a damaged AVIF (7): get it again from where it came"


def test_a_decoder_without_words_is_named_by_its_error() -> None:
    with pytest.raises(ImageError) as caught, damage_named("'it'", "HEIC"):
        raise EOFError
    assert str(caught.value) == (
        "'it' is a damaged HEIC (EOFError): get it again from where it came"
    )


@pytest.mark.parametrize("error", [MemoryError(), Image.DecompressionBombError("x" * 300)])
def test_a_decoder_that_lacks_memory_is_said_to(error: Exception) -> None:
    with pytest.raises(ImageError) as caught, damage_named("'it'", "GIF"):
        raise error
    assert str(caught.value) == "'it' is too large to decode: shrink it first"


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(KeyboardInterrupt), damage_named("'it'", "GIF"):
        raise KeyboardInterrupt
