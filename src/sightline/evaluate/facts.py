"""What a card says that no measurement can: data, terms, recipe, limits. Enter at `read_facts`."""

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from sightline.errors import DataError

# Licences under which a photo may be shown again, changed in size, with its author named.
FreeLicence: TypeAlias = Literal["CC0-1.0", "Public Domain", "CC-BY-2.0", "CC-BY-4.0", "MIT"]


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source of training data."""

    name: str
    samples: int
    terms: str
    source: str


class Seen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a measured set lies in the training distribution."""

    # its classes, or some of them; other images of its kind; none of these
    seen: Literal["classes", "some_classes", "kind", "no"]
    note: str


class Photo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One photo that may be shown."""

    key: str  # as the results name it
    file: str  # inside the folder
    author: str
    licence: FreeLicence


class Pictures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Photos from which the wrong answers are shown; never those of an evaluation set."""

    dataset: str  # of the result whose mistakes are shown
    folder: str  # relative to the facts file
    photos: tuple[Photo, ...]


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A card's own words. The defaults are the terms that allow least."""

    title: str
    summary: str
    recipe: str
    limits: tuple[str, ...]
    data: tuple[Data, ...]
    training_distribution: dict[str, Seen]  # by name of the measured set
    license_name: str = "non-commercial-research"
    terms: str = "For non-commercial research only."  # the card's first line
    tags: tuple[str, ...] = ("clip", "zero-shot-image-classification")
    datasets: tuple[str, ...] = ()
    language: tuple[str, ...] = ("en",)
    pictures: Pictures | None = None


def read_facts(path: Path) -> Facts:
    """Read a facts file (TOML).

    Raises:
        DataError: The file is missing, not TOML, or has a key or value that is not known.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Facts)
    except OSError as error:
        raise DataError(f"facts cannot be read from {path} ({error.strerror}): check it") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a facts file ({error}): correct it") from error
