"""What a check found, part by part. Enter at `Findings`."""

from typing import Any, Literal

import msgspec

LONGEST = 200  # characters of a value; a record may hold a text of any length
LONGEST_SENTENCE = 2000


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    part: str  # "tensors", "spec", "pixels" …
    verdict: Literal["agrees", "differs", "unknown"]  # unknown: there was nothing to compare with
    sentence: str
    fields: tuple[str, ...] = ()  # what is wrong by name: "pixels.filter", a tensor, a file


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """All that a check looked at."""

    model: str  # where it lies
    layout: str  # whose files they are; "" where the model did not open
    fingerprint: str  # of what is there now; "" likewise
    notes: tuple[Note, ...]

    @property
    def differing(self) -> tuple[Note, ...]:
        """What is not as it was written."""
        return tuple(note for note in self.notes if note.verdict == "differs")

    @property
    def unknown(self) -> tuple[Note, ...]:
        """What could not be compared."""
        return tuple(note for note in self.notes if note.verdict == "unknown")

    @property
    def fields(self) -> tuple[str, ...]:
        """Everything that is wrong by name, each once."""
        return tuple(dict.fromkeys(name for note in self.differing for name in note.fields))

    @property
    def is_itself(self) -> bool | None:
        """Whether the model is what was written; None where that could not be told."""
        if self.differing:
            return False
        return None if self.unknown else True


def agrees(part: str, sentence: str) -> Note:
    """Note that a part is as it was written."""
    return Note(part=part, verdict="agrees", sentence=sentence)


def differs(part: str, sentence: str, *fields: str) -> Note:
    """Note that a part is not as it was written."""
    named = tuple(cut(name, LONGEST) for name in fields)
    said = cut(sentence, LONGEST_SENTENCE)
    return Note(part=part, verdict="differs", sentence=said, fields=named)


def unknown(part: str, sentence: str) -> Note:
    """Note that there was nothing to compare a part with."""
    return Note(part=part, verdict="unknown", sentence=sentence)


def shown(value: Any) -> str:
    """Write a value as it is shown in a sentence."""
    return cut(repr(value), LONGEST)


def cut(text: str, most: int) -> str:
    """Return a text, or its beginning."""
    return text if len(text) <= most else f"{text[:most]}…"
