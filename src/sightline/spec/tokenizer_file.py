"""Ids from any tokenizer.json, special words apart. Enter at `open_tokenizer_file`."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.errors import SpecError
from sightline.spec.space_marked import cut_at_spaces, is_cut_at_spaces

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class TokenizerFile:
    """A tokenizer.json that yields the ids of the text alone, whole and unpadded."""

    def __init__(
        self, tokenizer: "Tokenizer", digest: str, reserved: frozenset[int], *, by_word: bool
    ) -> None:
        """Take a tokenizer over; enter at `open_tokenizer_file`.

        Args:
            tokenizer: As read from the file.
            digest: Sha256 of the file, in hexadecimal.
            reserved: Ids that mean start, end or pad, and that no text may become.
            by_word: Whether the ids of a text are those of its words.
        """
        self.digest = digest
        self.vocabulary_size: int = tokenizer.get_vocab_size()
        self.reserved = reserved
        self._tokenizer = tokenizer
        self._by_word = by_word

    def has(self, token_id: int) -> bool:
        """Whether the vocabulary has this id."""
        return 0 <= token_id < 2**32 and self._tokenizer.id_to_token(token_id) is not None

    def units(self, text: str) -> list[str]:
        """Cut at spaces where the file is one of ours; another may do anything with a text."""
        return cut_at_spaces(text) if self._by_word else [text]

    def ids(self, text: str) -> list[int]:
        """Return the ids of a cleaned text, without start and end."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def text(self, ids: Sequence[int]) -> str:
        """Return the text that ids stand for; special ids stand for nothing."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()


def open_tokenizer_file(path: Path, *, marks: Sequence[int], pad_id: int) -> TokenizerFile:
    """Read a tokenizer.json, leaving its truncation, padding and special words aside.

    Args:
        path: The file.
        marks: The ids that start and end a row.
        pad_id: The id that fills a row; it may be an ordinary one ("!" in OpenAI's rows).

    Raises:
        SpecError: The file is missing or is not a tokenizer's.
    """
    from tokenizers import AddedToken, Tokenizer, models

    try:
        content = path.read_bytes()
        tokenizer = Tokenizer.from_buffer(content)
    except OSError as reason:
        raise SpecError(
            f"{path} cannot be read ({reason.strerror}): put the model's tokenizer.json there"
        ) from reason
    except ValueError as reason:
        raise SpecError(
            f"{path} is not a tokenizer.json ({reason}): copy it from the model again"
        ) from reason
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if isinstance(tokenizer.model, models.BPE):
        tokenizer.model.dropout = None  # it would draw other ids at each call
    added = tokenizer.get_added_tokens_decoder()
    reserved = frozenset({*marks, *({pad_id} & added.keys())})
    # A file may list its marks as ordinary words, and those would be found in a user's text.
    ordinary = [added[i].content for i in sorted(reserved & added.keys()) if not added[i].special]
    tokenizer.add_special_tokens([AddedToken(word, normalized=False) for word in ordinary])
    tokenizer.encode_special_tokens = True
    digest = hashlib.sha256(content).hexdigest()
    return TokenizerFile(tokenizer, digest, reserved, by_word=is_cut_at_spaces(tokenizer))
