import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.images import read
from sightline.images.reading import ImageSource
from tiny_pictures import HEIGHT, SAMPLES, WIDTH, encode, noise, oriented, smooth

# ── Sources ──────────────────────────────────────────────────────────────────────────────────────


def test_every_kind_of_source_gives_the_same_array(tmp_path: Path) -> None:
    image = Image.fromarray(noise())
    encoded = encode(image, "PNG")
    path = tmp_path / "a picture\nwith a new line.png"
    path.write_bytes(encoded)
    with path.open("rb") as file:
        memory = BytesIO(encoded)
        sources: list[ImageSource] = [str(path), path, encoded, memory, file, image, noise()]
        assert all(np.array_equal(read(source), noise()) for source in sources)


def test_a_file_object_is_read_from_its_beginning() -> None:
    file = BytesIO()
    Image.fromarray(noise()).save(file, "PNG")  # leaves the position at the end
    assert np.array_equal(read(file), noise())


def test_a_stream_that_cannot_seek_is_read_from_where_it_stands() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(encode(Image.fromarray(noise()), "PNG"))
    with os.fdopen(reader, "rb") as file:
        assert np.array_equal(read(file), noise())


def test_a_pillow_image_is_not_changed() -> None:
    image = Image.fromarray(noise()).convert("RGBA")
    read(image)
    assert (image.mode, image.size) == ("RGBA", (WIDTH, HEIGHT))


def test_a_tall_picture_is_copied_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    tall = noise(height=200, width=30)
    monkeypatch.setattr("sightline.images.reading._STRIP_PIXELS", 30 * 7)
    assert np.array_equal(read(Image.fromarray(tall)), tall)


def test_the_array_can_be_written_to() -> None:
    array = read(encode(Image.fromarray(noise()), "PNG"))
    array[0, 0] = 0  # torch.from_numpy warns at one that cannot
    assert array.flags.c_contiguous


def test_many_threads_read_what_one_reads() -> None:
    encoded = [make() for make in SAMPLES.values()] * 4
    alone = [read(one) for one in encoded]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(read, encoded))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


# ── Formats ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {}),
        ("PNG", {"interlace": 1}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"big_tiff": True}),
        ("BMP", {}),
        ("JPEG2000", {}),
        ("JPEG2000", {"no_jp2": True}),
        ("PPM", {}),
    ],
)
def test_a_lossless_format_is_read_exactly(format: str, options: dict[str, object]) -> None:
    assert np.array_equal(read(encode(Image.fromarray(noise()), format, **options)), noise())


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("WEBP", {"quality": 95}),
        ("AVIF", {"quality": 95, "subsampling": "4:4:4"}),
        ("HEIF", {}),
    ],
)
def test_a_lossy_format_is_read_nearly(format: str, options: dict[str, object]) -> None:
    array = read(encode(Image.fromarray(smooth()), format, **options)).astype(int)
    assert np.abs(array - smooth()).max() <= 12
    assert np.abs(array - smooth()[:, ::-1]).max() > 50  # control: mirrored is far


def test_a_gif_of_few_colours_is_read_exactly() -> None:
    few = noise() // 128 * 255  # 8 colours
    assert np.array_equal(read(encode(Image.fromarray(few), "GIF")), few)


@pytest.mark.parametrize("name", ["PNG animated", "WebP animated"])
def test_the_first_frame_stands_for_an_animation(name: str) -> None:
    assert np.array_equal(read(SAMPLES[name]()), noise(seed=0))


def test_the_first_frame_stands_for_an_animated_gif() -> None:
    colours = [(200, 10, 10), (10, 200, 10), (10, 10, 200)]
    red, *others = (Image.new("RGB", (4, 3), colour) for colour in colours)
    encoded = encode(red, "GIF", save_all=True, append_images=others)
    assert np.array_equal(read(encoded), np.full((3, 4, 3), colours[0]))


def test_text_pnm_is_read() -> None:
    assert read(SAMPLES["PPM text"]()).tolist() == [
        [[1, 2, 3], [4, 5, 6]],
        [[7, 8, 9], [10, 11, 12]],
    ]
    assert read(SAMPLES["PBM text"]())[:, :, 0].tolist() == [[0, 255], [255, 0]]


# ── Upright ──────────────────────────────────────────────────────────────────────────────────────

STORED = {  # orientation: how a camera that held it so stored the upright picture (EXIF 2.3)
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[:, ::-1],
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize(
    ("format", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})]
)
def test_one_photo_in_eight_orientations_is_one_array(
    format: str, options: dict[str, object], orientation: int
) -> None:
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](noise())))
    encoded = encode(stored, format, exif=oriented(orientation), **options)
    assert np.array_equal(read(encoded), noise())
    with Image.open(BytesIO(encoded)) as image:
        assert np.array_equal(read(image), noise())


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format", ["JPEG", "AVIF"])
def test_a_lossy_photo_in_eight_orientations_is_nearly_one_array(
    format: str, orientation: int
) -> None:
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](smooth())))
    encoded = encode(stored, format, exif=oriented(orientation), quality=95, subsampling="4:4:4")
    assert np.abs(read(encoded).astype(int) - smooth()).max() <= 12


def test_control_a_photo_with_the_wrong_orientation_is_another_array() -> None:
    stored = Image.fromarray(np.ascontiguousarray(STORED[6](noise())))
    turned = read(encode(stored, "PNG", exif=oriented(8)))
    assert turned.shape == noise().shape
    assert not np.array_equal(turned, noise())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "broken", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01"]
)
def test_broken_exif_does_not_lose_a_picture(format: str, broken: bytes) -> None:
    encoded = encode(Image.fromarray(noise()), format, exif=b"Exif\0\0" + broken)
    assert read(encoded).shape == (HEIGHT, WIDTH, 3)
