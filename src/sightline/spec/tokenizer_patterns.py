"""Regular expressions of a stranger's tokenizer.json that end in time. Enter at `given_back`.

The tokenizers library hands them to Oniguruma, which tries one way after another: "(x+x+)+y" takes
longer than anybody lives. So only a part of its language is read: alternatives of single letters
and classes, each perhaps repeated, and groups of alternatives that hold no repeats and are not
repeated. Every published pattern known here is of this kind, and how often such a one may try again
can be counted.
"""

import re
from collections.abc import Iterator

from sightline.errors import SpecError

MOST_LETTERS = 1000  # of one pattern: GPT-4o's has 274
MOST_CHOICES = 8  # ways to begin one alternative
MOST_REPEATS = 1  # that one alternative may have to shorten: two make it cubic in the text

_ESCAPE = r"\\(?:[pP]\{\^?\w+\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[dDsSwWnrt]|\W)"
_CLASS = rf"\[\^?(?:{_ESCAPE}|[^\[\]\\])+\]"
_ONE = rf"(?:{_ESCAPE}|{_CLASS}|[^\\\[\](){{}}|*+?^$])"
_GROUP = rf"\((?P<kind>\?i?:|\?[=!])(?P<inner>{_ONE}(?:\|?{_ONE})*)\)"
_TIMES = r"[?*+]|\{(?P<least>\d{1,3})(?:,\d{0,3})?\}"
_ITEM = re.compile(rf"(?P<bar>\|)|{_GROUP}(?P<maybe>\?)?|{_ONE}(?P<times>{_TIMES})?")
_INNER = re.compile(rf"{_ONE}|(?P<bar>\|)")


class _Item:
    """One item of an alternative."""

    def __init__(self, found: re.Match[str]) -> None:
        times, inner = found["times"] or found["maybe"] or "", found["inner"] or ""
        self.looks_ahead = found["kind"] in ("?=", "?!")
        self.is_optional = times in ("?", "*") or (found["least"] or "1").strip("0") == ""
        self.repeats = times not in ("", "?")
        bars = sum(bool(one["bar"]) for one in _INNER.finditer(inner))
        self.choices = 1 + bars + self.is_optional


def given_back(pattern: str) -> int:
    """Return how many repeats of a pattern the engine may have to shorten and try again.

    What stands before nothing that must come is taken once and kept; what stands before something
    that must come may be shortened for its sake.

    Raises:
        SpecError: It is of another kind than those above, may match nothing, or has an alternative
            that may be tried in too many ways.
    """
    repeats = 0
    for items in _alternatives(pattern):
        must_come, shortened, choices = False, 0, 1
        for item in reversed(items):
            shortened += must_come and item.repeats
            choices *= item.choices if must_come else 1
            must_come = must_come or not item.is_optional
        if shortened > MOST_REPEATS or choices > MOST_CHOICES:
            raise _refused(pattern, "may try too many ways to match")
        if all(item.is_optional or item.looks_ahead for item in items):
            raise _refused(pattern, "may match nothing at all")
        repeats += shortened
    return repeats


def _alternatives(pattern: str) -> Iterator[list[_Item]]:
    """Read a pattern's alternatives, item by item."""
    items: list[_Item] = []
    at = 0
    while at < len(pattern) <= MOST_LETTERS:
        found = _ITEM.match(pattern, at)
        if found is None:
            break
        at = found.end()
        if found["bar"]:
            yield items
            items = []
        else:
            items.append(_Item(found))
    if at < len(pattern):
        raise _refused(pattern, "is of no kind that ends for certain (nested repeats, references)")
    yield items


def _refused(pattern: str, why: str) -> SpecError:
    shown = pattern if len(pattern) <= 60 else f"{pattern[:60]}…"
    return SpecError(
        f"its regular expression {shown!r} {why}, and no published tokenizer has such: use another"
    )
