from pathlib import Path

import pytest
from msgspec.structs import replace

from sightline.errors import DataError
from sightline.evaluate.shown import sheet_of, shown_mistakes
from sightline.images import read
from tiny_card import card_inputs


def test_only_photos_that_may_be_shown_are(tmp_path: Path) -> None:
    _, results, facts = card_inputs(tmp_path / "model")
    assert facts.pictures is not None
    [shown] = shown_mistakes(results, facts.pictures)
    assert (shown.photo.author, shown.mistake.label, shown.mistake.taken_for) == (
        ("A. Painter", "green", "blue")
    )
    # control: the same mistake on a photo without a licence is not shown
    assert shown_mistakes(results, replace(facts.pictures, photos=())) == ()


def test_the_sheet_shows_the_photo(tmp_path: Path) -> None:
    _, results, facts = card_inputs(tmp_path / "model")
    assert facts.pictures is not None
    shown = shown_mistakes(results, facts.pictures)
    sheet = read(sheet_of(shown, tmp_path / "model" / "shown"))
    assert sheet[88, 88].tolist() == pytest.approx([0, 0, 255], abs=8)


def test_photos_that_were_not_measured_are_refused(tmp_path: Path) -> None:
    _, results, facts = card_inputs(tmp_path / "model")
    assert facts.pictures is not None
    with pytest.raises(DataError) as caught:
        shown_mistakes(results[:1], facts.pictures)
    assert str(caught.value) == (
        "no result is on 'photos', whose mistakes the card shows: "
        "evaluate it, or leave pictures out of the facts"
    )
