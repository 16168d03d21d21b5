"""What a spec refuses, in whose words, and what it works out."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sightline.errors import SpecError
from sightline.spec import ConvStem, PatchStem, Softmax, TextTransformer
from tiny_specs import HYBRID, RESNET, SIGLIP_TEXT, TEXT, VIT, WORDS, tiny_spec

replace = msgspec.structs.replace

REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "no patch": (
        lambda: PatchStem(patch=0, bias=True),
        "stem patch is 0: give a positive number",
    ),
    "blocks for other stages": (
        lambda: ConvStem(first=8, channels=(16, 24), blocks=(1,)),
        "a convolutional stem needs as many block counts as stages, got channels (16, 24) and "
        "blocks (1,): give one count per stage",
    ),
    "a stage without blocks": (
        lambda: ConvStem(first=8, channels=(16, 24), blocks=(1, 0)),
        "stem channel or block count is 0: give a positive number",
    ),
    "an image smaller than a patch": (
        lambda: replace(VIT, size_px=7),
        "an image tower of 7 px is not a multiple of its stem's stride 8: change size_px",
    ),
    "cells that do not come out even": (
        lambda: replace(HYBRID, size_px=36),
        "an image tower of 36 px is not a multiple of its stem's stride 8: change size_px",
    ),
    "image heads": (
        lambda: replace(VIT, heads=5),
        "image width 32 is not a multiple of heads 5: change one",
    ),
    "no image heads": (
        lambda: replace(VIT, heads=0),
        "image heads is 0: give a positive number",
    ),
    "image layers": (
        lambda: replace(VIT, layers=-1),
        "image layers is -1: give 0 to 1024",
    ),
    "an endless eps": (
        lambda: replace(VIT, norm_eps=float("inf")),
        "image norm_eps is inf: give a number between 0 and 1",
    ),
    "an eps that no float32 holds": (
        lambda: replace(TEXT, norm_eps=1e300),
        "text norm_eps is 1e+300: give a number between 0 and 1",
    ),
    "an eps of nothing": (
        lambda: replace(VIT, norm_eps=0.0),
        "image norm_eps is 0.0: give a number between 0 and 1",
    ),
    "a pool without its token": (
        lambda: replace(VIT, class_token=False),
        "image pool 'class_token' needs class_token = true: set it or pool otherwise",
    ),
    "ResNet size": (
        lambda: replace(RESNET, size_px=72),
        "a ResNet of 72 px is not a multiple of 32: change size_px",
    ),
    "ResNet heads": (
        lambda: replace(RESNET, heads=7),
        "ResNet width 32 × 8 is not a multiple of heads 7: change one",
    ),
    "an empty ResNet stage": (
        lambda: replace(RESNET, layers=(1, 0, 1, 1)),
        "image layers is 0: give 1 to 1024",
    ),
    "text heads": (
        lambda: replace(TEXT, heads=5),
        "text width 32 is not a multiple of heads 5: change one",
    ),
    "text layers": (lambda: replace(TEXT, layers=-2), "text layers is -2: give 0 to 1024"),
    "text layers without end": (
        lambda: replace(TEXT, layers=10**9),
        "text layers is 1000000000: give 0 to 1024",
    ),
    "no vocabulary": (
        lambda: replace(TEXT, vocab_size=0),
        "text vocab_size is 0: give a positive number",
    ),
    "no clamp": (
        lambda: Softmax(logit_scale=2.0, max_scale=0.0),
        "head max_scale is 0.0: give a positive number",
    ),
    "no shared space": (
        lambda: tiny_spec(embed_dim=0),
        "spec embed_dim is 0: give a positive number",
    ),
    "two sizes": (
        lambda: tiny_spec(pixels=tiny_spec(RESNET).pixels),
        "pixels are 64 px but the image tower takes 32 px: make them equal",
    ),
    "an image tower without projection": (
        lambda: tiny_spec(replace(VIT, projection="none")),
        "the image tower has no projection, so its width 32 must equal embed_dim 24",
    ),
    "a text tower without projection": (
        lambda: tiny_spec(text=replace(TEXT, projection="none")),
        "the text tower has no projection, so its width 32 must equal embed_dim 24",
    ),
    "an end pool without an end": (
        lambda: tiny_spec(text=replace(TEXT, pool="end_token"), words=replace(WORDS, end_id=None)),
        "text pool 'end_token' needs words.end_id: set it or pool otherwise",
    ),
    "a pool of the highest id without an end": (
        lambda: tiny_spec(words=replace(WORDS, end_id=None)),
        "text pool 'highest_id' needs words.end_id: set it or pool otherwise",
    ),
    "a pad above the end": (
        lambda: tiny_spec(words=replace(WORDS, start_id=1, end_id=2, pad_id=3)),
        "text pool 'highest_id' takes the end token for the highest id and words.end_id 2 is below "
        "3, the start or pad id: pool by 'end_token'",
    ),
    "a start above the end": (
        lambda: tiny_spec(words=replace(WORDS, start_id=99, end_id=98)),
        "text pool 'highest_id' takes the end token for the highest id and words.end_id 98 is "
        "below 99, the start or pad id: pool by 'end_token'",
    ),
    "a start that is an end": (
        lambda: tiny_spec(text=replace(TEXT, pool="end_token"), words=replace(WORDS, start_id=99)),
        "text pool 'end_token' takes the first end token and words.start_id is 99 as well: give "
        "start and end ids of their own, or pool otherwise",
    ),
    "a pad outside the vocabulary": (
        lambda: tiny_spec(words=replace(WORDS, pad_id=100)),
        "words.pad_id 100 is outside the vocabulary of 100: give an id below it",
    ),
    "an end outside the vocabulary": (
        lambda: tiny_spec(words=replace(WORDS, end_id=-1)),
        "words.end_id -1 is outside the vocabulary of 100: give an id below it",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_spec_that_does_not_hold_together_is_refused(why: str) -> None:
    make, sentence = REFUSED[why]
    with pytest.raises(SpecError) as caught:
        make()
    assert str(caught.value) == sentence


@pytest.mark.parametrize(("start", "end", "pad"), [(98, 99, 0), (98, 99, 99), (None, 2, 1)])
def test_the_end_may_be_found_by_the_highest_id(start: int | None, end: int, pad: int) -> None:
    words = replace(WORDS, start_id=start, end_id=end, pad_id=pad)
    assert tiny_spec(words=words).text.may_trim


def test_a_grid_is_the_whole_strides_that_fit() -> None:
    assert [VIT.grid, replace(VIT, size_px=39).grid, HYBRID.grid, RESNET.grid] == [4, 4, 4, 2]


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (TEXT, True),
        (replace(TEXT, pool="end_token"), True),
        (replace(TEXT, pool="last"), False),
        (replace(TEXT, causal=False), False),
        (SIGLIP_TEXT, False),
    ],
)
def test_pads_may_be_trimmed_only_where_they_cannot_be_seen(
    text: TextTransformer, may: bool
) -> None:
    assert text.may_trim is may


def test_importing_the_spec_floor_loads_no_tokenizer_and_no_pillow() -> None:
    heavy = ("PIL", "ftfy", "tokenizers", "torch")
    code = f"import sys, sightline.spec; print([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_spec_cannot_be_changed() -> None:
    spec: Any = tiny_spec()
    with pytest.raises(AttributeError):
        spec.embed_dim = 3
