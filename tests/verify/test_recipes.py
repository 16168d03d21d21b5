from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from sightline.spec import PixelRecipe, TextRecipe, architecture
from sightline.verify.canaries import Canaries
from sightline.verify.recipes import check_ids, check_pixels
from sightline.verify.subjects import TEXTS
from tiny_canaries import expectations, letters

PIXELS = replace(architecture("ViT-B-32").pixels, size_px=32)
WORDS = architecture("ViT-B-32").words
OWN_WORDS = replace(WORDS, tokenizer="file", start_id=1, end_id=2, pad_id=0, context_length=32)


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    return expectations(PIXELS, WORDS)


def test_control_the_same_recipes_agree(canaries: Canaries, tmp_path: Path) -> None:
    assert check_pixels(PIXELS, canaries).sentence == (
        "3 pictures become the pixels that they became then"
    )
    note, words = check_ids(WORDS, tmp_path, canaries)
    assert (note.verdict, words) == ("agrees", WORDS)
    assert note.sentence == "7 texts become the ids that they became then"


HALF = (0.5, 0.5, 0.5)
ROUNDED = (0.4815, 0.4578, 0.4082)
PIXEL_CHANGES: dict[str, dict[str, Any]] = {
    "filter": {"filter": "bilinear"},
    "nearest": {"filter": "nearest"},
    "crop": {"crop_rounding": "floor"},
    "squash": {"resize": "squash"},
    "pad": {"resize": "longest_pad"},
    "mean": {"mean": HALF},
    "mean, rounded": {"mean": ROUNDED},
    "std": {"std": HALF},
    "size": {"size_px": 48},
    "several": {"filter": "lanczos", "crop_rounding": "floor", "mean": HALF, "std": HALF},
}


@pytest.mark.parametrize("name", PIXEL_CHANGES)
def test_a_swapped_field_of_the_pixels_is_named(canaries: Canaries, name: str) -> None:
    note = check_pixels(replace(PIXELS, **PIXEL_CHANGES[name]), canaries)
    assert note.verdict == "differs"
    assert set(note.fields) == {f"pixels.{field}" for field in PIXEL_CHANGES[name]}


def test_a_mean_that_nobody_published_is_worked_out() -> None:
    own = replace(PIXELS, mean=(0.311, 0.322, 0.333), std=(0.2, 0.21, 0.22))
    note = check_pixels(PIXELS, expectations(own, WORDS))
    assert set(note.fields) == {"pixels.mean", "pixels.std"}
    assert "pixels.mean [0.311, 0.322, 0.333] instead of" in note.sentence


def test_numbers_of_one_s_own_are_not_blamed_for_another_field() -> None:
    """Worked out of the pixels they would be rounded, and so differ."""
    own = replace(PIXELS, mean=(0.31111113, 0.32222224, 0.33333335), std=(0.2, 0.21, 0.22))
    note = check_pixels(replace(own, filter="box"), expectations(own, WORDS))
    assert note.fields == ("pixels.filter",)


def test_the_sentence_says_where_by_how_much_and_what_would_be_right(canaries: Canaries) -> None:
    note = check_pixels(replace(PIXELS, mean=HALF), canaries)
    assert note.sentence == (
        "pixels of picture 0 (55 × 45) differ by up to 0.33; with pixels.mean [0.48145466, "
        "0.4578275, 0.40821073] instead of [0.5, 0.5, 0.5] they are as expected"
    )
    note = check_pixels(replace(PIXELS, size_px=48), canaries)
    assert note.sentence == (
        "pixels of picture 0 (55 × 45) differ in size; with pixels.size_px 32 instead of 48 they "
        "are as expected"
    )


def test_pixels_that_no_recipe_makes_are_said_to_be_so(canaries: Canaries) -> None:
    noise = np.random.default_rng(0).normal(size=canaries.pixels.shape).astype(np.float32)
    note = check_pixels(PIXELS, replace(canaries, pixels=noise))
    assert note.fields == ("pixels",)
    assert note.sentence.endswith("; no recipe gives the expected ones")


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_pixels_that_are_not_finite_are_no_pixels(canaries: Canaries, broken: float) -> None:
    pixels = canaries.pixels.copy()
    pixels[0, 0, 0, 0] = broken
    assert check_pixels(PIXELS, replace(canaries, pixels=pixels)).fields == ("pixels",)


WORD_CHANGES: dict[str, dict[str, Any]] = {
    "clean": {"clean": "canonical_space"},
    "clean, kin": {"clean": "nfc_lower"},
    "case": {"clean": "whitespace"},
    "nothing cleaned": {"clean": "none"},
    "end": {"end_id": 49405},
    "end an ordinary word": {"end_id": 320},
    "no end": {"end_id": None},
    "start": {"start_id": 5},
    "no start": {"start_id": None},
    "pad": {"pad_id": 49407},
    "length": {"context_length": 64},
    "several": {"clean": "lower", "end_id": 7, "pad_id": 8},
}


@pytest.mark.parametrize("name", WORD_CHANGES)
def test_a_swapped_field_of_the_words_is_named(
    canaries: Canaries, tmp_path: Path, name: str
) -> None:
    note, words = check_ids(replace(WORDS, **WORD_CHANGES[name]), tmp_path, canaries)
    assert set(note.fields) == {f"words.{field}" for field in WORD_CHANGES[name]}
    assert words == WORDS


CLEANINGS = ("openai", "nfc_lower", "canonical_space", "canonical_delete", "whitespace", "lower")


@pytest.mark.parametrize("then", [*CLEANINGS, "none"])
def test_any_two_ways_to_clean_are_told_apart(tmp_path: Path, then: Any) -> None:
    was = replace(WORDS, clean=then)
    expected = expectations(PIXELS, was)
    for now in CLEANINGS:
        note, words = check_ids(replace(WORDS, clean=now), tmp_path, expected)
        assert (note.verdict == "agrees") == (now == then)
        assert words == was


def test_where_the_first_id_differs_is_said(canaries: Canaries, tmp_path: Path) -> None:
    note, _ = check_ids(replace(WORDS, pad_id=49407), tmp_path, canaries)
    assert note.sentence == (
        "id 3 of the text 'a' is 49407, expected 0; with words.pad_id 0 instead of 49407 all are "
        "as expected"
    )
    note, _ = check_ids(replace(WORDS, context_length=64), tmp_path, canaries)
    assert note.sentence == (
        "a row has 64 ids, expected 77; with words.context_length 77 instead of 64 all are as "
        "expected"
    )


def test_a_swapped_vocabulary_is_said_to_be_one(tmp_path: Path) -> None:
    expected = expectations(PIXELS, OWN_WORDS, letters(tmp_path / "then"))
    others = ["zebras graze on green hills", "zebras graze"]
    note, words = check_ids(OWN_WORDS, letters(tmp_path / "now", others), expected)
    assert (note.fields, words) == (("tokenizer",), OWN_WORDS)
    assert note.sentence.endswith(
        "; no text recipe gives the expected ids: the vocabulary is another"
    )


@pytest.mark.parametrize("changed", [{"end_id": 90}, {"start_id": None}, {"pad_id": 70}])
def test_a_swapped_mark_of_an_own_vocabulary_is_named(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    """An ordinary id as a mark: the words that have it cannot even be written."""
    folder = letters(tmp_path / "then")
    expected = expectations(PIXELS, OWN_WORDS, folder)
    note, words = check_ids(replace(OWN_WORDS, **changed), folder, expected)
    assert note.fields == tuple(f"words.{field}" for field in changed)
    assert words == OWN_WORDS


def test_texts_that_cannot_be_written_are_a_finding(tmp_path: Path) -> None:
    folder = letters(tmp_path / "then")
    expected = expectations(PIXELS, OWN_WORDS, folder)
    mark = int(expected.ids[0, 1])  # "a"
    note, _ = check_ids(replace(OWN_WORDS, end_id=mark), folder, expected)
    assert note.sentence == (
        f"the canary texts cannot be written (text 0 holds a word that the tokenizer only reads as "
        f"its mark with id {mark}: take it out); with words.end_id 2 instead of {mark} all are as "
        "expected"
    )
    note, _ = check_ids(replace(OWN_WORDS, end_id=5000), folder, expected)
    assert note.fields == ("words.end_id",)
    assert note.sentence.startswith(
        "the canary texts cannot be written (words.end_id 5000 is not among the tokenizer's "
    )


def test_rows_that_no_recipe_could_have_are_no_fault_of_ours(tmp_path: Path) -> None:
    """A stranger's file may hold any rows."""
    whole = expectations(PIXELS, WORDS)
    for ids in (np.zeros((len(TEXTS), 1), np.int64), np.full((len(TEXTS), 77), -5)):
        note, words = check_ids(WORDS, tmp_path, replace(whole, ids=ids))
        assert (note.fields, words) == (("tokenizer",), WORDS)


def test_the_recipes_of_published_models_are_told_apart(tmp_path: Path) -> None:
    """No row of the table of architectures passes for another one's."""
    own: list[tuple[PixelRecipe, TextRecipe]] = [
        (architecture(name).pixels, architecture(name).words)
        for name in ("ViT-B-32", "RN50", "ViT-B-16")
    ]
    for pixels, words in own:
        assert check_pixels(pixels, expectations(pixels, words)).verdict == "agrees"
