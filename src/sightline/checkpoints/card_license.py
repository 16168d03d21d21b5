"""The licence that a published model's card declares. Enter at `license_of`.

A card begins with YAML, of which only what declares a licence is read: a word, a word in quotes or
a list of these. Of anything else the licence is unknown, which is better than a wrong one.
"""

import re
from collections.abc import Sequence

UNKNOWN = "unknown"
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---", re.DOTALL)
_COMMENT = re.compile(r"(^|[ \t]+)#.*")
_QUOTED = re.compile(r"\"([^\"\\]+)\"|'([^']+)'")
_PLAIN = re.compile(r"\w(?:(?!: |, )[^\[\]{}\"'])*")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)")
_NOTHING = frozenset({"null", "Null", "NULL"})


def license_of(card: str) -> str:
    """Return the licence, or "unknown"; one that is "other" has its own name beside it.

    Args:
        card: The whole README.md.
    """
    front = _FRONT_MATTER.search(card)
    lines = front[1].splitlines() if front else []
    said = _declared(lines, "license_name") or _declared(lines, "license")
    return ", ".join(said) or UNKNOWN


def _declared(lines: Sequence[str], key: str) -> list[str]:
    """Return what stands under a key; nothing where it is not there or not understood."""
    places = [place for place, line in enumerate(lines) if line.startswith(f"{key}:")]
    if len(places) != 1:
        return []
    value = _COMMENT.sub("", lines[places[0]][len(key) + 1 :]).strip()
    below = _below(lines[places[0] + 1 :])
    if value.startswith("[") and value.endswith("]"):
        items = value[1:-1].split(",")
    elif value:
        items = [value]
    else:
        items, below = below, []
    words = [_word(item) for item in items]
    return [] if below or None in words else [word for word in words if word is not None]


def _below(lines: Sequence[str]) -> list[str]:
    """Return the lines that still belong to a key, items of a list without their dash."""
    found = []
    for line in lines:
        bare = _COMMENT.sub("", line).rstrip()
        if bare and bare[0] not in " \t-":
            break
        item = _ITEM.fullmatch(bare)
        found += [item[1] if item else bare] if bare else []
    return found


def _word(text: str) -> str | None:
    """Return a word without its quotes; None where it is something else."""
    text = text.strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return quoted[1] or quoted[2]
    return text if _PLAIN.fullmatch(text) and text not in _NOTHING else None
