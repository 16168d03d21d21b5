"""Pixels and ids against what canaries expect, and which field of the recipe is wrong.

Enter at `check_pixels` and `check_ids`.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from sightline.errors import SpecError, TextError
from sightline.shapes import Float32, Int64, UInt8
from sightline.spec import PixelRecipe, TextRecipe, Words, open_words
from sightline.spec.architectures import ARCHITECTURES
from sightline.verify.canaries import Canaries
from sightline.verify.findings import Note, agrees, differs
from sightline.verify.trying import changes, choices, remedy, variants

Numbers = tuple[float, float, float]
PIXEL_TOLERANCE = 1e-5  # 8-bit steps are 1/255: what differs at all differs by much more
_FITS = 1e-4  # how far rounding in float32 takes normalised pixels from a straight line
_PUBLISHED = 1e-5  # a mean or deviation as near as this to a published one is that one
GEOMETRY = choices(PixelRecipe, "resize", "filter", "crop_rounding")
CLEANINGS = choices(TextRecipe, "clean")


def check_pixels(recipe: PixelRecipe, canaries: Canaries) -> Note:
    """Compare the pixels of each picture; where they differ, find the recipe that makes them."""
    seen, expected = canaries.pictures, canaries.pixels
    far = [_distance(recipe.apply(rgb), want) for rgb, want in zip(seen, expected, strict=True)]
    worst = int(np.argmax(far))
    if far[worst] <= PIXEL_TOLERANCE:
        return agrees("pixels", f"{len(seen)} pictures become the pixels that they became then")
    height, width, _ = seen[worst].shape
    gap = f"by up to {far[worst]:.2g}" if np.isfinite(far[worst]) else "in size"
    what = f"pixels of picture {worst} ({width} × {height}) differ {gap}"
    found = _recipe_of(recipe, seen, expected)
    if found is None:
        return differs("pixels", f"{what}; no recipe gives the expected ones", "pixels")
    wrong = changes(recipe, found, "pixels")
    sentence = f"{what}; with {remedy(wrong)} they are as expected"
    return differs("pixels", sentence, *(name for name, _, _ in wrong))


def _distance(now: np.ndarray, then: np.ndarray) -> float:
    """Return the largest difference; infinite where the sizes differ."""
    return float(np.abs(now - then).max()) if now.shape == then.shape else np.inf


def _recipe_of(
    recipe: PixelRecipe,
    seen: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    expected: Float32[np.ndarray, "images 3 size size"],
) -> PixelRecipe | None:
    """Return the nearest recipe that makes these pixels of these pictures."""
    if not np.isfinite(expected).all():
        return None
    sized = replace(recipe, size_px=expected.shape[-1])
    for shape in variants(sized, GEOMETRY, most=len(GEOMETRY)):
        squares = np.stack([shape.square(rgb) for rgb in seen])
        normalised = _normalisation(squares, expected)
        if normalised is None:
            continue
        whole = replace(shape, mean=normalised[0], std=normalised[1])
        for made in (shape, whole):
            pixels = np.stack([made.normalise(square) for square in squares])
            if _distance(pixels, expected) <= PIXEL_TOLERANCE:
                return made
    return None


def _normalisation(
    squares: UInt8[np.ndarray, "images size size 3"],
    expected: Float32[np.ndarray, "images 3 size size"],
) -> tuple[Numbers, Numbers] | None:
    """Return mean and deviation that lead from squares to pixels; None: they show other things."""
    means, deviations = [], []
    for channel in range(3):
        given = squares[..., channel].ravel() / 255.0
        wanted = expected[:, channel].ravel().astype(np.float64)
        spread = given.var()
        slope = ((given - given.mean()) * wanted).mean() / spread if spread else 0.0
        start = wanted.mean() - slope * given.mean()
        if slope <= 0 or np.abs(slope * given + start - wanted).max() > _FITS * slope:
            return None
        means.append(-start / slope)
        deviations.append(1 / slope)
    return _published("mean", means), _published("std", deviations)


def _published(field: str, numbers: Sequence[float]) -> Numbers:
    """Return the published numbers that these are, else these, rounded."""
    for spec in ARCHITECTURES.values():
        known: Numbers = getattr(spec.pixels, field)
        if np.abs(np.subtract(known, numbers)).max() <= _PUBLISHED:
            return known
    one, two, three = (round(float(number), 6) for number in numbers)
    return one, two, three


def check_ids(recipe: TextRecipe, folder: Path, canaries: Canaries) -> tuple[Note, TextRecipe]:
    """Compare the ids of each text; where they differ, find the recipe that writes them.

    Returns:
        What was found, and the recipe that writes the expected ids, if there is one.
    """
    texts, expected = canaries.said.texts, canaries.ids
    try:
        ids = open_words(recipe, folder).rows(texts, long="cut").ids
        what = _first_difference(texts, ids, expected)
    except (SpecError, TextError) as error:
        what = f"the canary texts cannot be written ({error})"
    if what is None:
        return agrees("ids", f"{len(texts)} texts become the ids that they became then"), recipe
    found = _words_of(recipe, folder, texts, expected)
    if found is None:
        sentence = f"{what}; no text recipe gives the expected ids: the vocabulary is another"
        return differs("ids", sentence, "tokenizer"), recipe
    wrong = changes(recipe, found, "words")
    sentence = f"{what}; with {remedy(wrong)} all are as expected"
    return differs("ids", sentence, *(name for name, _, _ in wrong)), found


def _first_difference(texts: Sequence[str], ids: np.ndarray, expected: np.ndarray) -> str | None:
    """Say where the first difference is."""
    if ids.shape != expected.shape:
        return f"a row has {ids.shape[1]} ids, expected {expected.shape[1]}"
    places = np.argwhere(ids != expected)
    if not len(places):
        return None
    row, column = (int(number) for number in places[0])
    got, want = int(ids[row, column]), int(expected[row, column])
    shown = texts[row] if len(texts[row]) <= 40 else f"{texts[row][:40]}…"
    return f"id {column} of the text {shown!r} is {got}, expected {want}"


def _words_of(
    recipe: TextRecipe,
    folder: Path,
    texts: Sequence[str],
    expected: Int64[np.ndarray, "captions context_length"],
) -> TextRecipe | None:
    """Return the nearest recipe that writes these ids of these texts."""

    @cache
    def opened(start_id: int | None, end_id: int | None, pad_id: int) -> Words | None:
        """Open the tokenizer with these marks, which it keeps apart from words."""
        marked = replace(recipe, start_id=start_id, end_id=end_id, pad_id=pad_id)
        try:
            return open_words(marked, folder)
        except SpecError:
            return None

    length = expected.shape[1]
    try:
        sized = replace(recipe, context_length=length)
    except SpecError:
        return None
    alternatives = CLEANINGS | _marks(expected)
    for one in variants(sized, alternatives, most=len(alternatives)):
        words = opened(one.start_id, one.end_id, one.pad_id)
        try:
            ids = None if words is None else words.under(one).rows(texts, long="cut").ids
        except (SpecError, TextError):
            continue
        if ids is not None and np.array_equal(ids, expected):
            return one
    return None


def _marks(ids: Int64[np.ndarray, "captions context_length"]) -> dict[str, Sequence[Any]]:
    """Return what may start, end and fill rows like these."""
    last = ids[:, -1:]
    filled = (ids != last)[:, ::-1].argmax(axis=1)  # how many equal ids each row ends with
    shortest = int(filled.argmax())
    pad_id = int(ids[shortest, -1])
    before = int(ids[shortest, -1 - int(filled[shortest])])
    return {
        "start_id": (None, *{int(number) for number in ids[:, 0]}),
        "end_id": (None, *dict.fromkeys((before, pad_id))),
        "pad_id": (pad_id,),
    }
