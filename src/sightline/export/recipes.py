"""What surrounds the towers, as JSON that any program can follow. Enter at `pixels_json`.

Each file says in words what its numbers mean: whoever reads it may know nothing of Sightline.
"""

import msgspec

from sightline.checkpoints.json_file import json_bytes
from sightline.embedder import Embedder
from sightline.scoring import ZeroShotHead
from sightline.spec import PixelRecipe, TextRecipe

_SIDES = {
    "squash": "resize to {0} × {0} pixels, whatever the shape was",
    "shortest": "resize so that the shorter side has {0} pixels and the longer one {0} × longer / "
    "shorter, rounded down",
    "longest_pad": "resize so that the longer side has {0} pixels and the other one as many as its "
    "share, rounded half to even and at least 1",
}
_MIDDLE = "cut out the middle {0} × {0} pixels: half of what is left over goes before it, rounded"
_CROPS = {
    "half_even": f"{_MIDDLE} to the nearest, to even where two are as near",
    "floor": f"{_MIDDLE} down",
}
_PAD = (
    "put that in the middle of {0} × {0} black pixels, an odd pixel that is left over below or to "
    "the right"
)
_MENDS = "what ftfy.fix_text and then html.unescape, twice, change: mojibake, HTML escapes"
_SIGMA = "a capital sigma at the end of a word becomes σ there and not ς"
# Cleaning → what of it tokenizer.json cannot do.
_BEYOND = {
    "openai": f"{_MENDS}; {_SIGMA}",
    "canonical_space": f"{_MENDS}; {_SIGMA}",
    "canonical_delete": _SIGMA,
    "whitespace": _MENDS,
}


def pixels_json(pixels: PixelRecipe) -> bytes:
    """Say how a picture becomes what the image tower reads."""
    size, filtered = pixels.size_px, pixels.filter
    said = {
        "steps": [
            "turn the picture upright by its EXIF orientation, lay what is transparent over white, "
            "and make it RGB in 8 bits",
            f"{_SIDES[pixels.resize].format(size)}; filter: {filtered}, widened by the reduction "
            "(antialiased), on 8 bits and rounded to 8 bits, as Pillow's Image.resize does",
            *_fitted(pixels),
            "divide by 255, subtract the mean and divide by the deviation of each channel",
            "order it as (pictures, channels, rows, columns) in float32",
        ],
        **msgspec.to_builtins(pixels),
        "input": {"name": "pixels", "type": "float32", "shape": ["pictures", 3, size, size]},
        "output": "vector: not of unit length; divide it by its length before it is compared",
    }
    return json_bytes(said)


def _fitted(pixels: PixelRecipe) -> list[str]:
    """Say how a square is made of what was resized."""
    if pixels.resize == "longest_pad":
        return [_PAD.format(pixels.size_px)]
    if pixels.resize == "shortest":
        return [_CROPS[pixels.crop_rounding].format(pixels.size_px)]
    return []


def text_json(words: TextRecipe, head: dict[str, object]) -> bytes:
    """Say how a text becomes what the text tower reads, and what a cosine is worth."""
    said = {
        "template": words.template,
        "context_length": words.context_length,
        "start_id": words.start_id,
        "end_id": words.end_id,
        "pad_id": words.pad_id,
        "cleaning": words.clean,
        "cleaning_done_by": "tokenizer.json",
        "cleaning_left_out": _BEYOND.get(words.clean),
        "rows": "tokenizer.json writes whole rows by itself: start, ids, end, pads; a text that is "
        "too long loses its last ids and keeps the end",
        "input": {"name": "ids", "type": "int64", "shape": ["texts", words.context_length]},
        "output": "vector: not of unit length; divide it by its length before it is compared",
        "head": head,
    }
    return json_bytes(said)


def classes_json(zero_shot: ZeroShotHead, head: dict[str, object], fingerprint: str) -> bytes:
    """Name the rows of the class vectors, and say what a cosine with one is worth."""
    said = {
        "labels": list(zero_shot.labels),
        "vectors": "classes.npy: a row for each label, float32, of unit length",
        "model": fingerprint,
        "head": head,
    }
    return json_bytes(said)


def head_of(embedder: Embedder) -> dict[str, object]:
    """Say how a cosine becomes a score, the calibration worked in.

    Under a temperature T and a null logit n a softmax takes z / T and a sigmoid (z - n) / T, as
    `scoring.presence` has it: both are again a scale and a bias.
    """
    head, calibration = embedder.trained_head, embedder.calibration
    scale, bias, meaning = head.scale, head.bias, _MEANINGS[head.kind]
    if calibration is not None:
        null = calibration.null_logit if head.kind == "sigmoid" else 0.0
        scale, bias = scale / calibration.temperature, (bias - null) / calibration.temperature
        meaning = f"{meaning}; calibrated on {calibration.fitted_on}"
    return {"kind": head.kind, "scale": scale, "bias": bias, "meaning": meaning}


_MEANINGS: dict[str, str] = {
    "softmax": "softmax over the labels of scale × cosine: each label's share of one whole",
    "sigmoid": "1 / (1 + exp(-(scale × cosine + bias))): each label by itself",
}
