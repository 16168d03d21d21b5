"""Clean a caption the way one family of checkpoints was trained on. Enter at `cleaner`.

Each published tokenizer cleans differently, and the wrong one gives other ids without an error:
so a cleaning is a field of the recipe, and what each one does is written down here only.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Mapping
from typing import Literal

from sightline.spec.unicode_classes import WHITE_SPACE, character_class

Cleaning = Literal[
    "openai", "nfc_lower", "canonical_space", "canonical_delete", "whitespace", "lower", "none"
]

# On printable ASCII without "&", ftfy and html.unescape change nothing: no entity, no escape
# sequence, no mojibake, no quote to uncurl. The white space allowed here is what ftfy keeps.
_NOTHING_TO_MEND = re.compile(r"[\t\n\f\r -%'-~]*")
_WHITE_SPACE = re.compile(f"[{character_class(WHITE_SPACE)}]+")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def cleaner(name: Cleaning) -> Callable[[str], str]:
    """Return the function that cleans one caption.

    Args:
        name: The recipe's `clean`.
    """
    return _CLEANINGS[name]


def openai(text: str) -> str:
    """Mend, unescape, collapse white space, lower-case.

    Source: openai/CLIP clip/simple_tokenizer.py `basic_clean`, `whitespace_clean`, `encode`.
    """
    return whitespace(text).lower()


def nfc_lower(text: str) -> str:
    """Compose (NFC), collapse white space, lower-case letter by letter.

    Source: the normalizer of transformers' CLIPTokenizer, which has no ftfy; white space at the
    ends, which it would leave to the tokenizer, is dropped.
    """
    return lower(_WHITE_SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip(" "))


def canonical_space(text: str) -> str:
    """Mend, turn "_" into a space, drop ASCII punctuation, lower-case, collapse white space.

    Source: open_clip tokenizer.py `_clean_canonicalize` (after big_vision's `canonicalize_text`).
    """
    words = _mend(text).replace("_", " ").translate(_WITHOUT_PUNCTUATION).lower()
    return " ".join(words.split())


def canonical_delete(text: str) -> str:
    """Lower-case, delete ASCII punctuation with "_" among it, collapse white space.

    Source: transformers' SiglipTokenizer `canonicalize_text`.
    """
    return " ".join(text.lower().translate(_WITHOUT_PUNCTUATION).split())


def whitespace(text: str) -> str:
    """Mend, unescape, collapse white space; letters keep their case.

    Source: open_clip tokenizer.py `_clean_whitespace`, for tokenizers that lower-case themselves.
    """
    return " ".join(_mend(text).split())


def lower(text: str) -> str:
    """Lower-case letter by letter, and nothing else.

    Source: transformers' Siglip2Tokenizer, whose Lowercase comes from the tokenizers library. It
    knows no context, so it never writes the final sigma that `str.lower` writes.
    """
    return text.replace("Σ", "σ").lower()


def unchanged(text: str) -> str:
    """Return the caption as it is."""
    return text


def _mend(text: str) -> str:
    """Undo mojibake, odd characters and (twice) HTML escapes.

    Source: openai/CLIP clip/simple_tokenizer.py `basic_clean`.
    """
    if _NOTHING_TO_MEND.fullmatch(text):
        return text.strip()
    import html

    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


_CLEANINGS: Mapping[Cleaning, Callable[[str], str]] = {
    "openai": openai,
    "nfc_lower": nfc_lower,
    "canonical_space": canonical_space,
    "canonical_delete": canonical_delete,
    "whitespace": whitespace,
    "lower": lower,
    "none": unchanged,
}
