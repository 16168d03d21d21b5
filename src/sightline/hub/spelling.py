"""Every way in which people write a checkpoint's name → one entry. Enter at `resolve`.

A spelling is a row of `REWRITES`; what is left after them is looked up. Nothing is guessed: a name
that fits several checkpoints is an error that lists them.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

import msgspec

from sightline.errors import CheckpointError
from sightline.hub.catalog import Entry, HubFiles, catalog

LONGEST = 250  # characters; a longer text is no name, and comparing it with all names is slow

# Tried in this order, whatever the case; the name is looked up before the first and after each.
REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), written)
    for pattern, written in (
        (r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([^/]+/[^/]+)/?", r"\1"),
        (r"(?:hf-hub|hf_clip|hf|open_?clip):(.+)", r"\1"),  # timm, OpenCLIP, clip-retrieval
        (r"clip/((?:vit|rn)[^/]+)", r"\1/openai"),  # Roboflow's inference
        (r"(\S+)(?:::|__|\s*,\s*|\s+)(\S+)", r"\1/\2"),  # clip-as-service, Immich, CLIP_benchmark
        (r"([^/:]+):([^/:]+)", r"\1/\2"),  # OpenCLIP's list of tags
        (r"(vit-\w+)/(\d+)(@\d+px)?/(.+)", r"\1-\2\3/\4"),  # OpenAI's architecture and a tag
        (r"(.+)[@-](\d+)px(.*)", r"\1-\2\3"),  # OpenAI's sizes, and Roboflow's way with them
    )
)
# Names that come close to a checkpoint's without being one (other files, or half an id): never
# taken for it, but suggested first.
HINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), written)
    for pattern, written in (
        (r"(?:sentence-transformers/)?clip-((?:vit|rn).+)", r"\1/openai"),
        (r"(clip-vit-.+)", r"openai/\1"),
        (r"(siglip2?-.+)", r"google/\1"),
    )
)
# huggingface_hub's rule for names (utils/_validators.py of 2.4.0), with an organisation.
REPOSITORY = re.compile(
    r"(?!.*(?:--|\.\.|\.git(?:@|$)))(?P<name>\w(?:[\w.-]{0,94}\w)?/\w(?:[\w.-]{0,94}\w)?)(?:@(?P<revision>[^@]+))?",
    re.ASCII,
)


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository of the hub that is not in the catalog: nothing is known of it beforehand."""

    name: str  # organisation/name
    revision: str | None = None


def resolve(name: str) -> Entry | Repository:
    """Return the checkpoint that a name means.

    Args:
        name: Any spelling: `ViT-B-32/openai`, `ViT-B/32`, `hf-hub:org/name`, `org/name`,
            `org/name@revision`, `ViT-B-32::laion2b-s34b-b79k` … Case does not count, and `-` and
            `_` are one character.

    Raises:
        CheckpointError: It names nothing, or an architecture of which there are several.

    Example:
        >>> resolve("ViT-B/32").name
        'ViT-B-32/openai'
    """
    text = name.strip()
    if not text or len(text) > LONGEST:
        raise CheckpointError(
            f"a checkpoint's name has 1 to {LONGEST} characters, but this has {len(text)}: "
            "give a name such as ViT-B-32/openai"
        )
    for written in _spellings(text):
        found = _index().get(_fold(written))
        if found is not None:
            return found
    return _outside(written, name)


def nearest(name: str) -> tuple[str, ...]:
    """Return the three names of the catalog that look most like a text."""
    close = difflib.get_close_matches(_fold(name)[:LONGEST], _index(), n=12, cutoff=0.0)
    found = dict.fromkeys(_index()[one].name for one in close)
    return tuple(dict.fromkeys((*hinted(name), *found)))[:3]


def hinted(name: str) -> tuple[str, ...]:
    """Return the names of the catalog that a text comes closest to, by the rows of `HINTS`."""
    matches = ((pattern.fullmatch(name), written) for pattern, written in HINTS)
    meant = (_fold(match.expand(written)) for match, written in matches if match)
    return tuple(_index()[one].name for one in meant if one in _index())


def _spellings(text: str) -> Iterator[str]:
    yield text
    for pattern, written in REWRITES:
        if match := pattern.fullmatch(text):
            text = match.expand(written)
            yield text


def _outside(text: str, typed: str) -> Entry | Repository:
    """Return what a text that is no full name means, or say what is missing."""
    architecture, _, tag = text.partition("/")
    tags = _tags().get(_fold(architecture))
    if tags is None:
        if match := REPOSITORY.fullmatch(text):
            return Repository(name=match["name"], revision=match["revision"])
        raise CheckpointError(
            f"no checkpoint is called {typed!r}: the nearest names are {', '.join(nearest(typed))}"
        )
    if tag:
        raise CheckpointError(
            f"{architecture} has no checkpoint {tag!r} in the catalog: it has {', '.join(tags)}"
        )
    if len(tags) > 1:
        raise CheckpointError(
            f"{architecture} has {len(tags)} checkpoints: name one of "
            + ", ".join(f"{architecture}/{one}" for one in tags)
        )
    [only] = tags.values()
    return only


def _fold(text: str) -> str:
    return text.casefold().replace("_", "-")


def _names(entry: Entry) -> Iterator[str]:
    """Give every name that is an entry's own: a repository's id is one."""
    yield entry.name
    yield from entry.aliases
    if isinstance(entry.source, HubFiles):
        yield entry.source.repository


@cache
def _index() -> Mapping[str, Entry]:
    """Return every folded name with its entry."""
    return {_fold(name): entry for entry in catalog() for name in _names(entry)}


@cache
def _tags() -> Mapping[str, Mapping[str, Entry]]:
    """Return each folded architecture with its tags; an organisation is none."""
    found: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in catalog():
        repository = entry.source.repository if isinstance(entry.source, HubFiles) else None
        for name in (entry.name, *entry.aliases):
            architecture, _, tag = name.partition("/")
            if tag and name != repository:
                found[_fold(architecture)][tag] = entry
    return found
