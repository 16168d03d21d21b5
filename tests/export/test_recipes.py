"""The JSON that another program follows: in words, and in numbers."""

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.checkpoints import read
from sightline.embedder import embedder_of
from sightline.export.recipes import head_of, pixels_json, text_json
from sightline.spec import PixelRecipe
from tiny_folder import changed
from tiny_models import picture, tiny_clip_spec

MIDDLE = "cut out the middle 32 × 32 pixels: half of what is left over goes before it, rounded"
STEPS = {
    ("shortest", "half_even"): [
        "resize so that the shorter side has 32 pixels and the longer one 32 × longer / shorter, "
        "rounded down",
        f"{MIDDLE} to the nearest, to even where two are as near",
    ],
    ("shortest", "floor"): [
        "resize so that the shorter side has 32 pixels and the longer one 32 × longer / shorter, "
        "rounded down",
        f"{MIDDLE} down",
    ],
    ("squash", "floor"): ["resize to 32 × 32 pixels, whatever the shape was"],
    ("longest_pad", "floor"): [
        "resize so that the longer side has 32 pixels and the other one as many as its share, "
        "rounded half to even and at least 1",
        "put that in the middle of 32 × 32 black pixels, an odd pixel that is left over below or "
        "to the right",
    ],
}


def recipe(**changes: Any) -> PixelRecipe:
    return changed(tiny_clip_spec(), pixels=changes).pixels


@pytest.mark.parametrize(("resize", "rounding"), STEPS)
def test_each_rule_is_told_in_words(resize: str, rounding: str) -> None:
    said = json.loads(pixels_json(recipe(resize=resize, crop_rounding=rounding)))
    told = said["steps"]
    wanted = STEPS[resize, rounding]
    assert told[1].startswith(f"{wanted[0]}; filter: bicubic, widened by the reduction")
    assert told[2:-2] == wanted[1:]
    assert said["input"] == {"name": "pixels", "type": "float32", "shape": ["pictures", 3, 32, 32]}


def test_the_numbers_alone_give_the_model_s_pixels() -> None:
    given = recipe(resize="squash", mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    said = json.loads(pixels_json(given))
    image = Image.fromarray(picture(1))
    size = (said["size_px"], said["size_px"])
    seen = np.asarray(image.resize(size, Image.Resampling[said["filter"].upper()])) / 255
    pixels = ((seen - said["mean"]) / said["std"]).transpose(2, 0, 1)
    assert np.allclose(pixels, given.apply(picture(1)), atol=1e-6)


def test_texts_are_told_with_what_the_file_leaves_out() -> None:
    head = head_of(embedder_of(read()))
    said = json.loads(text_json(read().spec.words, head))
    assert (said["start_id"], said["end_id"], said["pad_id"]) == (1, 2, 0)
    assert said["cleaning_left_out"] == (
        "what ftfy.fix_text and then html.unescape, twice, change: mojibake, HTML escapes; a "
        "capital sigma at the end of a word becomes σ there and not ς"
    )
    assert said["head"]["kind"] == "softmax"
    assert said["head"]["meaning"].startswith("softmax over the labels of scale × cosine")
