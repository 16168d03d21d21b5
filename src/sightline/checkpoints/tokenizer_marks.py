"""What a tokenizer.json puts around a text, read without running it. Enter at `marks_of`."""

from collections.abc import Iterator
from typing import Any

import msgspec

from sightline.errors import SpecError


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


def _steps(first: After | None) -> Iterator[After]:
    """Walk a step, or those of a sequence in their order; none is deeper than JSON may be."""
    waiting = [] if first is None else [first]
    while waiting:
        one = waiting.pop()
        if one.type == "Sequence":
            waiting += reversed(one.processors)
        else:
            yield one
