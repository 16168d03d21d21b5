import os
import re
import socket
import stat
import subprocess
import sys
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from sightline import settings
from sightline.errors import ImageError
from sightline.images import read
from sightline.images.reading import ImageSource, encoded_bytes
from tiny_pictures import HEIGHT, SAMPLES, WIDTH, encode, noise, smooth


def reason(source: ImageSource) -> str:
    with pytest.raises(ImageError) as caught:
        read(source)
    return str(caught.value)


# ── Refused: what is not a file ──────────────────────────────────────────────────────────────────


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert reason(tmp_path) == (
        f"{str(tmp_path)!r} is a folder, not a picture: give the files in it"
    )


def test_a_folder_that_may_not_be_listed_is_refused_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may list every folder
    assert reason(tmp_path) == (
        f"{str(tmp_path)!r} is a folder that may not be listed: change its permissions"
    )


@pytest.mark.timeout(10)
def test_a_named_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    assert reason(path) == (
        f"{str(path)!r} is a named pipe, not a picture: copy the picture to a file first"
    )


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path holds a hundred characters at most
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.jpg")
        assert reason("s.jpg") == (
            "'s.jpg' is a socket, not a picture: copy the picture to a file first"
        )


def test_a_device_is_refused() -> None:
    assert reason(os.devnull) == (
        f"{os.devnull!r} is a device, not a picture: copy the picture to a file first"
    )


@pytest.mark.parametrize("kind", [stat.S_IFBLK, 0])
def test_other_special_files_are_refused(
    kind: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = os.stat_result((kind | 0o600, *os.stat(tmp_path)[1:]))
    monkeypatch.setattr(os, "stat", lambda path, **options: status)
    what = "a device" if kind else "a special file"
    assert reason("disk") == (f"'disk' is {what}, not a picture: copy the picture to a file first")


def test_a_missing_file_is_refused() -> None:
    assert reason("no such.jpg") == "'no such.jpg' does not exist: check the path"


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.jpg"
    path.symlink_to("nowhere.jpg")
    assert reason(path) == f"{str(path)!r} is a link to nothing: check the path"


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.jpg"
    path.symlink_to("link.jpg")
    assert reason(path) == (
        f"{str(path)!r} cannot be opened (Too many levels of symbolic links): check the path"
    )


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(b"x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")  # root is never refused by the real one

    monkeypatch.setattr("builtins.open", refuse)
    assert reason(path) == f"{str(path)!r} cannot be opened (Permission denied): check the path"


def test_an_impossible_name_is_refused() -> None:
    assert reason("a\0b.jpg") == (
        "'a\\x00b.jpg' cannot be opened (embedded null byte): check the path"
    )


def test_odd_characters_of_a_name_cannot_break_the_sentence() -> None:
    name = os.fsdecode(b"caf\xff\n\x1b[31m.jpg")
    assert reason(name) == "'caf\\udcff\\n\\x1b[31m.jpg' does not exist: check the path"


# ── Refused: what is not a picture ───────────────────────────────────────────────────────────────


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jpg"
    path.touch()
    assert reason(path) == f"{str(path)!r} is empty: get it again from where it came"
    assert reason(b"") == "a picture of 0 bytes is empty: get it again from where it came"


def test_text_with_a_pictures_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("hello, this is a note")
    assert reason(path) == (
        f"{str(path)!r} is not a picture of a format that is read here "
        "(it begins with b'hello, this '): save it as JPEG or PNG"
    )


def test_a_truncated_jpeg_is_refused() -> None:
    encoded = encode(Image.fromarray(smooth()), "JPEG")
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    assert re.fullmatch(
        r"a picture of \d+ bytes is a damaged JPEG \(image file is truncated "
        r"\(\d+ bytes not processed\)\): get it again from where it came",
        reason(encoded[:-20]),
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_a_picture_cut_in_half_is_refused(name: str) -> None:
    encoded = SAMPLES[name]()
    if name in {"GIF animated", "PNG animated"}:
        encoded = encoded[: len(encoded) // 3]  # the first frame is whole before the middle
    with pytest.raises(ImageError):
        read(encoded[: len(encoded) // 2])


def test_a_jpeg_2000_cut_between_two_tiles_is_refused() -> None:
    # Its decoder reports nothing and leaves the lost tiles grey.
    encoded = encode(Image.fromarray(noise(32, 32)), "JPEG2000", tile_size=(16, 16))
    starts = [i for i in range(len(encoded)) if encoded.startswith(b"\xff\x90\0\x0a", i)]
    assert len(starts) == 4
    for start in starts:
        assert reason(encoded[:start]) == (
            f"a picture of {start:,} bytes is a damaged JPEG 2000 (its end is missing): "
            "get it again from where it came"
        )


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "MAX_IMAGE_PIXELS", WIDTH * HEIGHT)
    assert read(SAMPLES["PNG"]()).shape == (WIDTH, HEIGHT, 3)
    # Decoding would fail at the cut: only the header was looked at.
    bomb = encode(Image.new("L", (WIDTH + 1, HEIGHT)), "PNG")[:45]
    assert reason(bomb) == (
        "a picture of 45 bytes is 15 × 11 pixels, more than 154 in all: shrink it first"
    )


def test_a_decompression_bomb_is_refused_in_our_words_without_touching_pillows_limit() -> None:
    before = Image.MAX_IMAGE_PIXELS
    bomb = b"P5 40000 40000 255\n"
    assert reason(bomb) == (
        "a picture of 19 bytes is 40000 × 40000 pixels, more than 128,000,000 in all: "
        "shrink it first"
    )
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_bomb_that_the_decoder_itself_refuses_is_too_large() -> None:
    header = (16383 - 1).to_bytes(3, "little") * 2  # canvas of 16383 × 16383
    chunk = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + header
    bomb = b"RIFF" + (len(chunk) + 4).to_bytes(4, "little") + b"WEBP" + chunk
    assert reason(bomb) == "a picture of 30 bytes is too large to decode: shrink it first"


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.startswith("TIFF")])
def test_pillows_own_limit_is_not_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # It warns at 89 million pixels, where ours are 128; warnings are errors in these tests.
    # TIFF is left out: its decoder asks for each strip, so a large one may print that warning.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", WIDTH * HEIGHT - 1)
    assert read(SAMPLES[name]()).size > 0


def test_a_file_of_too_many_bytes_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = SAMPLES["PNG"]()
    path = tmp_path / "large.png"
    path.write_bytes(encoded)
    monkeypatch.setattr(settings, "MAX_IMAGE_BYTES", len(encoded))
    read(path)
    monkeypatch.setattr(settings, "MAX_IMAGE_BYTES", 100)
    said = "is larger than 100 bytes: shrink it first"
    assert reason(path) == f"{str(path)!r} {said}"
    assert reason(encoded) == f"a picture of {len(encoded)} bytes {said}"
    assert reason(BytesIO(encoded)) == f"file object 'BytesIO' {said}"


def test_a_heic_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "phone.heic"
    path.write_bytes(SAMPLES["HEIC"]())
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert reason(path) == (
        f"{str(path)!r} is a HEIC picture, which needs an extra: install sightline[heif]"
    )


# ── Refused: what is no source ───────────────────────────────────────────────────────────────────


def test_a_text_file_object_is_refused() -> None:
    with pytest.raises(ImageError) as caught:
        encoded_bytes(StringIO("hello"))
    assert str(caught.value) == "file object 'StringIO' gives str, not bytes: open it with 'rb'"


def test_a_closed_file_is_refused() -> None:
    file = BytesIO(b"x")
    file.close()
    assert reason(file) == (
        "file object 'BytesIO' cannot be read (I/O operation on closed file.): open it again"
    )


def test_a_source_of_another_kind_is_refused() -> None:
    with pytest.raises(ImageError) as caught:
        encoded_bytes(7)
    assert str(caught.value) == (
        "a picture cannot be read from int: give a path, bytes, a binary file, a Pillow image or "
        "an array"
    )


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 4, 3), np.float32), "float32 of shape (3, 4, 3)"),
        (np.zeros((3, 4), np.uint8), "uint8 of shape (3, 4)"),
        (np.zeros((3, 4, 4), np.uint8), "uint8 of shape (3, 4, 4)"),
        (np.zeros((1, 3, 4, 3), np.uint8), "uint8 of shape (1, 3, 4, 3)"),
    ],
)
def test_an_array_of_another_shape_or_type_is_refused(array: np.ndarray, said: str) -> None:
    assert reason(array) == f"the array is {said}: give (height, width, 3) uint8"


def test_an_empty_array_or_image_is_refused() -> None:
    assert reason(np.zeros((0, 4, 3), np.uint8)) == (
        "the array is 4 × 0 pixels: there is nothing to see"
    )
    assert reason(Image.new("RGB", (0, 4))) == (
        "the Pillow image is 0 × 4 pixels: there is nothing to see"
    )


def test_a_pillow_image_of_a_damaged_file_is_refused() -> None:
    encoded = encode(Image.fromarray(smooth()), "PNG")
    with Image.open(BytesIO(encoded[:-40])) as image:
        said = reason(image)
    assert said.startswith("the Pillow image is a damaged RGB image (")


def test_reading_changes_nothing_of_pillows_and_prints_nothing() -> None:
    code = (
        "import sys; from PIL import Image, ImageFile;"
        "from sightline.images import read;"
        "[read(bytes.fromhex(line)) for line in sys.stdin];"
        "print(Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, 'EPS' in Image.OPEN)"
    )
    broken = encode(Image.fromarray(noise()), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12")
    lines = "\n".join(one.hex() for one in [broken, *(make() for make in SAMPLES.values())])
    ran = subprocess.run(
        [sys.executable, "-c", code], input=lines, capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == ("89478485 False False\n", "")
