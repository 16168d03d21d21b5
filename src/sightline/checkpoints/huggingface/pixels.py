"""What transformers' preprocessor_config.json says, and back. Enter at `pixels_in`."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from sightline.checkpoints.json_file import read_json, understood
from sightline.errors import CheckpointError
from sightline.spec.pixels import PixelRecipe

ALONE = "preprocessor_config.json"
JOINED = "processor_config.json"  # of transformers 5, with what else a processor holds


class _Joined(msgspec.Struct, frozen=True):
    """The key of processor_config.json that says what is done to pictures."""

    image_processor: dict[str, Any] | None = None  # transformers 4 left it in its own file


class _Processor(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of preprocessor_config.json that decide something."""

    size: int | dict[str, int | None]
    image_mean: tuple[float, float, float]
    image_std: tuple[float, float, float]
    resample: int
    crop_size: int | dict[str, int | None] | None = None
    do_resize: Literal[True] = True
    do_center_crop: bool | None = None
    do_rescale: Literal[True] = True
    do_normalize: Literal[True] = True
    rescale_factor: float = 1 / 255


# Pillow's number of a filter, which is what transformers writes
FILTERS: Mapping[int, Any] = {
    0: "nearest",
    1: "lanczos",
    2: "bilinear",
    3: "bicubic",
    4: "box",
    5: "hamming",
}


# What a class of transformers 5.23 does where its file lacks a key (`image_processing_pil_clip.py`
# and `image_processing_pil_siglip.py`); of CLIP's, the name before transformers 4.26 as well.
_SQUARE = {"height": 224, "width": 224}
_CLIP = {
    "size": {"shortest_edge": 224},
    "crop_size": _SQUARE,
    "do_center_crop": True,
    "resample": 3,
    "image_mean": (0.48145466, 0.4578275, 0.40821073),
    "image_std": (0.26862954, 0.26130258, 0.27577711),
}
_SIGLIP = {"size": _SQUARE, "resample": 3, "image_mean": (0.5,) * 3, "image_std": (0.5,) * 3}
CLASSES: Mapping[str, Mapping[str, Any]] = {
    "CLIPImageProcessor": _CLIP,
    "CLIPFeatureExtractor": _CLIP,
    "SiglipImageProcessor": _SIGLIP,
}
BACKENDS = ("Fast", "Pil")  # which the name of a class may end with


def pixels_in(folder: Path) -> PixelRecipe:
    """Read what a folder says is done to pictures, in whichever of two files says it.

    Raises:
        CheckpointError: Neither does, both do and differ, or it is more than a recipe can say.
    """
    alone, joined = folder / ALONE, folder / JOINED
    said = understood(read_json(joined), _Joined, joined) if joined.exists() else _Joined()
    if said.image_processor is None:
        return pixels_of(read_json(alone), alone)
    pixels = pixels_of(said.image_processor, joined)
    if alone.exists() and pixels_of(read_json(alone), alone) != pixels:
        raise CheckpointError(
            f"{alone} and {JOINED} beside it describe different pictures: delete whichever the "
            "model was not trained with"
        )
    return pixels


def pixels_of(processor: Mapping[str, Any], path: Path) -> PixelRecipe:
    """Describe what the image processors of CLIP and SigLIP do.

    Raises:
        CheckpointError: They do something that a pixel recipe cannot say.
    """
    said = understood(_whole(processor, path), _Processor, path)
    if said.resample not in FILTERS or not math.isclose(said.rescale_factor, 1 / 255, rel_tol=1e-6):
        raise CheckpointError(
            f"{path} asks for the filter {said.resample} and the factor {said.rescale_factor}: "
            "only Pillow's filters and a factor of 1/255 are read here"
        )
    sides = {"shortest_edge": said.size} if isinstance(said.size, int) else said.size
    sides = {name: px for name, px in sides.items() if px is not None}
    size_px, resize = _resize(sides, path)
    crop = said.crop_size if said.do_center_crop is not False else None
    cropped = set(crop.values()) - {None} if isinstance(crop, dict) else {crop}
    uncropped = resize == "squash" and not said.do_center_crop
    if cropped != {size_px} and not uncropped:
        raise CheckpointError(
            f"{path} resizes to {size_px} px and crops to {crop}: only a crop of the same size "
            "is read here"
        )
    return PixelRecipe(
        size_px=size_px,
        resize=resize,
        filter=FILTERS[said.resample],
        crop_rounding="floor",
        mean=said.image_mean,
        std=said.image_std,
    )


def _whole(processor: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return what a file says, with what its class takes for the rest."""
    kind = str(processor.get("image_processor_type") or processor.get("feature_extractor_type"))
    for backend in BACKENDS:
        kind = kind.removesuffix(backend)
    whole = {**CLASSES.get(kind, {}), **processor}
    needed = ("size", "resample", "image_mean", "image_std")
    missing = [
        key for key in needed if whole.get(key) is None
    ]  # to transformers, too, null is none
    if missing:
        raise CheckpointError(
            f"{path} does not say {', '.join(missing)}: write there what the model was trained "
            f"with, for what a missing key means is known of {', '.join(CLASSES)} alone"
        )
    return whole


def _resize(
    sides: Mapping[str, int | None], path: Path
) -> tuple[int, Literal["shortest", "squash"]]:
    """Return the size, and whether a picture keeps its proportions."""
    lengths = {px for px in sides.values() if px is not None}
    if len(lengths) == 1:
        [size_px] = lengths
        if sides.keys() == {"shortest_edge"}:
            return size_px, "shortest"
        if sides.keys() == {"height", "width"}:
            return size_px, "squash"
    raise CheckpointError(
        f"{path} asks for the size {dict(sides)}: only one shortest_edge, or equal height and "
        "width, are read here"
    )


def processor_of(pixels: PixelRecipe) -> dict[str, Any] | None:
    """Return what a preprocessor_config.json says; None where no processor does these pixels."""
    if pixels.resize not in _PROCESSORS:
        return None
    numbers = {name: number for number, name in FILTERS.items()}
    square = {"height": pixels.size_px, "width": pixels.size_px}
    return {
        "do_convert_rgb": True,
        "do_resize": True,
        "resample": numbers[pixels.filter],
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": pixels.mean,
        "image_std": pixels.std,
        **_PROCESSORS[pixels.resize](pixels.size_px, square),
    }


_PROCESSORS: Mapping[str, Callable[[int, dict[str, int]], dict[str, Any]]] = {
    "shortest": lambda size_px, square: {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": size_px},
        "do_center_crop": True,
        "crop_size": square,
    },
    "squash": lambda _, square: {"image_processor_type": "SiglipImageProcessor", "size": square},
}
