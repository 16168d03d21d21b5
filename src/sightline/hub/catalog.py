"""What is known of published checkpoints: where they lie, their licence, their figures.

Enter at `catalog`. The rows are `catalog.json`; every fact in it names the page where it was read,
and what was not read is null. Nothing here touches the network.
"""

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

FILE = Path(__file__).with_name("catalog.json")

Layout = Literal["openclip", "huggingface", "openai", "head"]


class HubFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file of a repository."""

    name: str
    sha256: str | None


class HubFiles(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="hub",
):
    """Files in a repository of the hub."""

    repository: str  # organisation/name
    revision: str | None  # a whole commit; null: the newest
    files: tuple[HubFile, ...]  # empty: chosen from what the repository lists

    @property
    def page(self) -> str:
        """The page where a person reads about it and accepts its terms."""
        return f"https://huggingface.co/{self.repository}"


class WebFile(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="url",
):
    """One file at a plain address."""

    url: str
    sha256: str | None  # null: it can not be verified, so it is not fetched

    @property
    def name(self) -> str:
        """What the file is called."""
        return self.url.partition("?")[0].rpartition("/")[2]

    @property
    def page(self) -> str:
        """The address itself: there is no page."""
        return self.url


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One published checkpoint."""

    # The one name that we print: ARCHITECTURE/TAG as OpenCLIP spells them; of a conversion, which
    # holds the same weights under another record, the repository's own.
    name: str
    aliases: tuple[str, ...]
    family: str
    layout: Layout  # which files those are
    source: HubFiles | WebFile
    license: str | None  # an SPDX id, or what the page calls it
    training_data: str | None
    zero_shot: dict[str, float]  # metric → percent, as published
    refusal: str | None  # why it cannot be loaded; null: it can
    sources: dict[str, str]  # fact → the page where it was read, and at which commit


class _Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pages: dict[str, str]
    entries: tuple[Entry, ...]


@cache
def catalog() -> tuple[Entry, ...]:
    """Return every entry, in the order of the file."""
    read = msgspec.json.decode(FILE.read_bytes(), type=_Catalog)
    return tuple(
        msgspec.structs.replace(
            entry, sources={fact: read.pages[page] for fact, page in entry.sources.items()}
        )
        for entry in read.entries
    )
