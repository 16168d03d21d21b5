"""Which mistakes a card shows, on photos that may be shown. Enter at `shown_mistakes`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline import images
from sightline.errors import DataError
from sightline.evaluate.facts import Photo, Pictures
from sightline.evaluate.result import Mistake, Result
from sightline.images.sheet import contact_sheet

MOST_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A mistake and the photo that it was made on."""

    mistake: Mistake
    photo: Photo


def shown_mistakes(results: Sequence[Result], pictures: Pictures) -> tuple[Shown, ...]:
    """Choose the most confident mistakes among photos that may be shown.

    Raises:
        DataError: No result is on the photos.
    """
    measured = [result for result in results if result.dataset == pictures.dataset]
    if not measured:
        raise DataError(
            f"no result is on {pictures.dataset!r}, whose mistakes the card shows: "
            "evaluate it, or leave pictures out of the facts"
        )
    may_show = {photo.key: photo for photo in pictures.photos}
    mistakes = [mistake for mistake in measured[0].mistakes if mistake.key in may_show]
    return tuple(Shown(mistake=m, photo=may_show[m.key]) for m in mistakes[:MOST_SHOWN])


def sheet_of(shown: Sequence[Shown], folder: Path) -> bytes:
    """Draw the photos, numbered as the card lists them, with what each is and was taken for.

    Raises:
        ImageError: A photo cannot be read from `folder`.
    """
    return contact_sheet(
        [
            (
                images.read(folder / each.photo.file),
                f"{number}. {each.mistake.label}\ntaken for {each.mistake.taken_for}",
            )
            for number, each in enumerate(shown, start=1)
        ]
    )
