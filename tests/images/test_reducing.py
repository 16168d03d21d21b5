"""JPEGs made smaller by their decoder: the same picture, to what is said of it."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.Image import Transpose

from sightline import images
from sightline.errors import ImageError
from sightline.images import ImageSource, read
from sightline.images.reducing import turned
from sightline.spec.pixels import REDUCTIONS, WHOLE_PX, PixelRecipe, Shrunk

RECIPE = PixelRecipe(
    size_px=32,
    resize="shortest",
    filter="bicubic",
    crop_rounding="half_even",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)
CAT = Path(__file__).parents[2] / "photos" / "cat.jpg"
BY = 8  # of the photos below, which leaves twice the 32 pixels of the recipe
NEAR, FAR = 0.8, 1.2  # of 255, in the mean; measured: 0.62 at most, and 1.5 without the box


def read_reduced(
    source: ImageSource, reduction: Callable[[int, int], int]
) -> tuple[np.ndarray, Shrunk | None]:
    """Return what `images.read_reduced` does, copied out."""
    rgb, shrunk = images.read_reduced(source, reduction)
    assert not isinstance(rgb, np.ndarray)  # it is still the decoder's
    return np.asarray(rgb), shrunk


def jpeg(
    width: int,
    height: int,
    orientation: int = 1,
    *,
    quality: int = 95,
    subsampling: int = 2,
    progressive: bool = False,
) -> bytes:
    """Return a photo of that size, which says how it is to be turned."""
    photo = Image.open(CAT).resize((width, height), Image.Resampling.LANCZOS)
    note = Image.Exif()
    note[0x0112] = orientation
    file = BytesIO()
    photo.save(
        file,
        "JPEG",
        exif=note,
        quality=quality,
        subsampling=subsampling,
        progressive=progressive,
    )
    return file.getvalue()


def difference(encoded: bytes, recipe: PixelRecipe = RECIPE, *, boxed: bool = True) -> float:
    """Return by how much of 255 the numbers move, in the mean."""
    rgb, shrunk = read_reduced(encoded, lambda height, width: BY)
    assert shrunk is not None
    height, width, _ = rgb.shape
    said = shrunk if boxed else shrunk._replace(box=(0.0, 0.0, float(width), float(height)))
    whole = recipe.square(read(encoded)).astype(int)
    return float(np.abs(recipe.square(rgb, said) - whole).mean())


# 555 = 4 × 138.75: a quarter of it ends within the last column.
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(555, 557), (640, 560), (533, 1599)])
def test_a_shrunk_photo_gives_nearly_the_numbers_of_the_whole(
    size: tuple[int, int], orientation: int
) -> None:
    assert difference(jpeg(*size, orientation)) < NEAR


@pytest.mark.parametrize("orientation", range(1, 9))
def test_control_without_the_box_the_picture_is_moved(orientation: int) -> None:
    assert difference(jpeg(521, 521, orientation), boxed=False) > FAR
    assert difference(jpeg(521, 521, orientation)) < NEAR


@pytest.mark.parametrize("resize", ["shortest", "squash", "longest_pad"])
@pytest.mark.parametrize(
    "encoded",
    [jpeg(521, 700, progressive=True), jpeg(521, 700, subsampling=0), jpeg(521, 700, quality=60)],
    ids=["progressive", "colours in full", "coarse"],
)
def test_every_resize_and_kind_of_jpeg(resize: str, encoded: bytes) -> None:
    recipe = msgspec.convert(msgspec.to_builtins(RECIPE) | {"resize": resize}, PixelRecipe)
    assert difference(encoded, recipe) < NEAR


def test_the_size_of_the_whole_picture_decides() -> None:
    """32 × 1007 / 265 is 121.6, and of an eighth, 126 × 34, it would be 118.6."""
    rgb, shrunk = read_reduced(jpeg(1007, 265), lambda height, width: 8)
    assert rgb.shape == (34, 126, 3)
    assert shrunk == Shrunk((265, 1007), (0.0, 0.0, 1007 / 8, 265 / 8))
    assert RECIPE._resized_px(*shrunk.whole_px) == (121, 32)


def test_a_reduction_is_of_both_edges_and_turned_with_them() -> None:
    rgb, shrunk = read_reduced(jpeg(1007, 265, 6), lambda height, width: 8)
    assert rgb.shape == (126, 34, 3)
    # A quarter turn to the right: what was the bottom, where the last block ends, is left.
    assert shrunk == Shrunk((1007, 265), (34 - 265 / 8, 0.0, 34.0, 1007 / 8))


@pytest.mark.parametrize("turn", list(Transpose))
def test_a_box_is_turned_as_pillow_turns_pictures(turn: Transpose) -> None:
    picture = np.zeros((5, 7), np.uint8)
    picture[0:4, 0:6] = 255  # 6 wide and 4 high
    upright = np.asarray(Image.fromarray(picture).transpose(turn))
    rows, columns = np.nonzero(upright)
    seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    found = turned(Shrunk((40, 60), (0.0, 0.0, 6.0, 4.0)), (7, 5), turn)
    assert found.box == seen
    assert found.whole_px == ((60, 40) if upright.shape == (7, 5) else (40, 60))


def test_other_formats_and_ordinary_photos_are_read_whole() -> None:
    file = BytesIO()
    Image.open(CAT).resize((1500, 1100)).save(file, "PNG")
    for encoded in (file.getvalue(), jpeg(1500, 1020)):
        rgb, shrunk = read_reduced(encoded, RECIPE.reduction)
        assert shrunk is None
        assert np.array_equal(rgb, read(encoded))
    assert read_reduced(jpeg(1500, 1100), RECIPE.reduction)[0].shape == (550, 750, 3)


def test_a_picture_in_memory_is_not_shrunk_for_its_owner() -> None:
    photo = Image.open(BytesIO(jpeg(1100, 1100)))
    rgb, shrunk = read_reduced(photo, RECIPE.reduction)
    assert (rgb.shape, shrunk, photo.size) == ((1100, 1100, 3), None, (1100, 1100))


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_cut_photo_is_refused_all_the_same(part: float) -> None:
    whole = jpeg(1100, 1100)
    cut = whole[: int(len(whole) * part)]
    with pytest.raises(ImageError) as caught:
        read(cut)
    with pytest.raises(ImageError) as reduced:
        read_reduced(cut, RECIPE.reduction)
    assert str(reduced.value) == str(caught.value)


@given(
    st.integers(1, 20_000),
    st.integers(1, 20_000),
    st.integers(1, 600),
    st.sampled_from(["shortest", "squash", "longest_pad"]),
)
def test_twice_the_size_is_left_and_small_pictures_are_not_shrunk(
    height: int, width: int, size: int, resize: str
) -> None:
    said = msgspec.to_builtins(RECIPE) | {"size_px": size, "resize": resize}
    recipe = msgspec.convert(said, PixelRecipe)
    by = recipe.reduction(height, width)
    assert by == recipe.reduction(width, height)
    edge = max(height, width) if resize == "longest_pad" else min(height, width)
    least = max(2 * size, WHOLE_PX)
    assert by == 1 or edge / by >= least
    more = REDUCTIONS[REDUCTIONS.index(by) + 1 :][:1]
    assert all(edge / one < least for one in more)
    fast = msgspec.structs.replace(recipe, jpegs="fast")
    assert fast.reduction(height, width) >= by
    assert fast.reduction(height, width) == 1 or edge / fast.reduction(height, width) >= size
    nearest = msgspec.structs.replace(recipe, filter="nearest")
    assert nearest.reduction(height, width) == 1


def test_fast_is_smaller_and_another_picture() -> None:
    photo = jpeg(1500, 1100)
    fast = msgspec.structs.replace(RECIPE, jpegs="fast")
    rgb, _ = read_reduced(photo, fast.reduction)
    assert rgb.shape == (138, 188, 3)
    moved = np.abs(
        fast.square(*read_reduced(photo, fast.reduction)).astype(int)
        - RECIPE.square(*read_reduced(photo, RECIPE.reduction))
    )
    assert 0 < moved.mean() < 3


def test_an_array_is_given_back_as_it_is() -> None:
    array = np.zeros((5, 4, 3), np.uint8)
    given, shrunk = images.read_reduced(array, RECIPE.reduction)
    assert given is array
    assert shrunk is None
