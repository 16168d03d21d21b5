"""What a tokenizer.json puts around a text, read without running it. Enter at `marks_of`.

The tokenizers library does what a file says: some files make it grow a text without end, ask for
more memory than there is, or stop the whole process. `refuse_traps` knows those.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from sightline.errors import SpecError

MOST_STEPS = 64  # SigLIP's first tokenizers have a dozen
MOST_GROWTH = 256  # characters that one may become
NEEDS_UNKNOWN = frozenset({"WordLevel", "WordPiece"})  # whose encode raises where it is missing


class Part(msgspec.Struct, frozen=True):
    """One part of a template: a mark, or else a text."""

    mark: dict[str, Any] | None = msgspec.field(default=None, name="SpecialToken")


class Mark(msgspec.Struct, frozen=True):
    """What a template's mark is written as."""

    ids: list[int]


class After(msgspec.Struct, frozen=True):
    """A `post_processor`, of any kind that puts marks around a text, or none."""

    type: str
    processors: "tuple[After, ...]" = ()
    single: tuple[Part, ...] = ()
    special_tokens: dict[str, Mark] = {}
    cls: tuple[str, int] | None = None
    sep: tuple[str, int] | None = None


class Normalizer(msgspec.Struct, frozen=True):
    """A `normalizer`: what may make a text longer, and what the library cannot survive."""

    type: str
    normalizers: "tuple[Normalizer, ...]" = ()
    pattern: dict[str, str] = {}
    content: str = ""
    precompiled_charsmap: str | None = None


def marks_of(after: After | None) -> tuple[int | None, int | None]:
    """Return the ids that stand before and after a text.

    Raises:
        SpecError: There are several on a side, or nothing here knows what it does.
    """
    before: list[int] = []
    behind: list[int] = []
    for one in _steps(after):
        left, right = _around(one)
        before, behind = left + before, behind + right
        if max(len(before), len(behind)) > 1:
            raise SpecError(
                f"it puts the ids {before[:9]} before a text and {behind[:9]} after it: only one "
                "mark before a text and one after it are read here"
            )
    return before[0] if before else None, behind[0] if behind else None


def _around(after: After) -> tuple[list[int], list[int]]:
    """Return what one post-processor puts on each side."""
    if after.type == "ByteLevel":  # it only moves offsets
        return [], []
    if after.type in ("RobertaProcessing", "BertProcessing") and after.cls and after.sep:
        return [after.cls[1]], [after.sep[1]]
    if after.type == "TemplateProcessing":
        return _template(after)
    raise SpecError(f"its post_processor {after.type[:99]!r} is not read here")


def _template(after: After) -> tuple[list[int], list[int]]:
    sides: list[list[int]] = [[]]
    for part in after.single:
        if part.mark is None:
            sides.append([])
            continue
        name = part.mark.get("id")
        if not isinstance(name, str) or name not in after.special_tokens:
            raise SpecError("its template has a mark that its special_tokens lack: copy it again")
        sides[-1] += after.special_tokens[name].ids
    if len(sides) != 2:
        raise SpecError(f"its template has {len(sides) - 1} texts: one is read here")
    return sides[0], sides[1]


def refuse_traps(normalizer: Normalizer | None) -> None:
    """Refuse normalizers that would stop the process or exhaust the machine.

    Raises:
        SpecError: There are too many, they let a text grow, or a table of theirs is cut short.
    """
    growth = 1
    for count, one in enumerate(_steps(normalizer), start=1):
        if one.type == "Precompiled":
            _check_table(one.precompiled_charsmap)
        growth *= _growth(one)
        if count > MOST_STEPS or growth > MOST_GROWTH:
            raise SpecError(
                f"its normalizers let one character become more than {MOST_GROWTH}, or are more "
                f"than {MOST_STEPS}: no published tokenizer has such, so do not use it"
            )


def _growth(one: Normalizer) -> int:
    """Return how many characters one may become at most; a regex may match between any two."""
    if one.type != "Replace" or not one.content:
        return 1
    found = len(one.pattern.get("String", ""))
    return -(-len(one.content) // found) if found else len(one.content) + 1


def _check_table(table: str | None) -> None:
    """Refuse a table of SentencePiece whose length word says more than there is."""
    try:
        content = b64decode(table or "", validate=True)
    except binascii.Error:
        content = b""
    trie = int.from_bytes(content[:4], "little")
    if not 4 <= trie <= len(content) - 4 or trie % 4:
        raise SpecError("its precompiled_charsmap is cut short or damaged: copy it again")


def _steps(first: Any) -> Iterator[Any]:
    """Walk a step, or those of a sequence in their order; none is deeper than JSON may be."""
    waiting = [] if first is None else [first]
    while waiting:
        one = waiting.pop()
        if one.type == "Sequence":
            waiting += reversed(getattr(one, "processors", ()) or getattr(one, "normalizers", ()))
        else:
            yield one


def refuse_unknown(kind: str | None, vocabulary: Mapping[str, int], unknown: str | None) -> None:
    """Refuse a vocabulary that has no word for what it does not know, where its kind needs one.

    Raises:
        SpecError: It is empty, or lacks that word.
    """
    if not vocabulary or (kind in NEEDS_UNKNOWN and unknown not in vocabulary):
        raise SpecError(
            f"its vocabulary of {len(vocabulary)} words lacks one for what it does not know: copy "
            "it again"
        )
