"""Ids from any tokenizer.json, special words apart. Enter at `open_tokenizer_file`.

The tokenizers library runs what a stranger's file says. `tokenizer_traps` keeps from it what would
never end; what it refuses itself, or stops at in a panic (which Rust also writes to stderr), is one
sentence here.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.errors import CheckpointError, SpecError, TextError
from sightline.regular_file import read_regular
from sightline.spec.space_marked import cut_at_spaces, is_cut_at_spaces
from sightline.spec.tokenizer_traps import without_traps

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_BYTES = 64 * 2**20  # 256,000 words take 34 MB
MOST_CHARACTERS = 2**24  # that the library works on at once: it takes 165 bytes for each


class TokenizerFile:
    """A tokenizer.json that yields the ids of the text alone, whole and unpadded."""

    def __init__(
        self,
        path: Path,
        tokenizer: "Tokenizer",
        digest: str,
        reserved: frozenset[int],
        *,
        longest: int,
    ) -> None:
        """Take a tokenizer over; enter at `open_tokenizer_file`.

        Args:
            path: The file, for messages.
            tokenizer: As read from the file.
            digest: Sha256 of the file, in hexadecimal.
            reserved: Ids that mean start, end or pad, and that no text may become.
            longest: Characters of a text that it may be given.
        """
        self.digest = digest
        self.vocabulary_size: int = tokenizer.get_vocab_size()
        self.reserved = reserved
        self._path = path
        self._longest = longest
        self._tokenizer = tokenizer
        self._by_word = is_cut_at_spaces(tokenizer)  # whether a text's ids are those of its words

    def has(self, token_id: int) -> bool:
        """Whether the vocabulary has this id."""
        return 0 <= token_id < 2**32 and self._tokenizer.id_to_token(token_id) is not None

    def units(self, text: str) -> list[str]:
        """Cut at spaces where the file is one of ours; another may do anything with a text."""
        return cut_at_spaces(text) if self._by_word else [text]

    def ids(self, text: str) -> list[int]:
        """Return the ids of a cleaned text, without start and end.

        Raises:
            TextError: The text is too long for what the file may make of it.
            SpecError: The file makes the library stop.
        """
        if len(text) > self._longest:
            raise TextError(
                f"a text has {len(text)} characters, of which {self._path} could make more than "
                f"{MOST_CHARACTERS}: pass a caption, not a document"
            )
        try:
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        except BaseException as error:
            if _is_of_library(error):
                raise _stopped(self._path, error) from error
            raise
        return ids

    def text(self, ids: Sequence[int]) -> str:
        """Return the text that ids stand for; special ids stand for nothing.

        Raises:
            SpecError: The file makes the library stop.
        """
        try:
            return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()
        except BaseException as error:
            if _is_of_library(error):
                raise _stopped(self._path, error) from error
            raise


def open_tokenizer_file(path: Path, *, marks: Sequence[int], pad_id: int) -> TokenizerFile:
    """Read a tokenizer.json, leaving its truncation, padding and special words aside.

    Args:
        path: The file.
        marks: The ids that start and end a row.
        pad_id: The id that fills a row; it may be an ordinary one ("!" in OpenAI's rows).

    Raises:
        SpecError: The file is missing, is not a tokenizer's, or may not be run.
    """
    try:
        content = read_regular(path, MAX_BYTES)
    except CheckpointError as error:
        raise SpecError(f"the tokenizer {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    try:
        looked_at, growth = without_traps(content)
        tokenizer = _opened(looked_at)
        reserved = _reserve(tokenizer, marks, pad_id)
        longest = MOST_CHARACTERS // growth
        return TokenizerFile(path, tokenizer, digest, reserved, longest=longest)
    except SpecError as error:
        raise SpecError(f"{path} cannot be followed: {error}") from error
    except (ValueError, RecursionError) as reason:
        raise SpecError(
            f"{path} is not a tokenizer.json ({reason}): copy it from the model again"
        ) from reason
    except BaseException as error:
        if _is_of_library(error):
            raise _stopped(path, error) from error
        raise


def _opened(looked_at: bytes) -> "Tokenizer":
    """Let the library open what was looked at of a file."""
    from tokenizers import Tokenizer, models

    tokenizer = Tokenizer.from_buffer(looked_at)
    model = tokenizer.model
    size = tokenizer.get_vocab_size(with_added_tokens=False)
    needs_unknown = isinstance(model, models.WordLevel | models.WordPiece)
    if not size or (needs_unknown and model.token_to_id(model.unk_token) is None):
        raise SpecError(
            f"its vocabulary of {size} words lacks one for what it does not know: copy it again"
        )
    if isinstance(model, models.BPE):
        model.dropout = None  # it would draw other ids at each call
    return tokenizer


def _reserve(tokenizer: "Tokenizer", marks: Sequence[int], pad_id: int) -> frozenset[int]:
    """Keep marks from being found in texts, and return the ids that no text may become."""
    from tokenizers import AddedToken

    added = tokenizer.get_added_tokens_decoder()
    reserved = frozenset({*marks, *({pad_id} & added.keys())})
    # A file may list its marks as ordinary words, and those would be found in a user's text.
    ordinary = [added[i].content for i in sorted(reserved & added.keys()) if not added[i].special]
    tokenizer.add_special_tokens([AddedToken(word, normalized=False) for word in ordinary])
    tokenizer.encode_special_tokens = True
    return reserved


def _is_of_library(error: BaseException) -> bool:
    """Tell what the library raises where it cannot go on: a panic has no class to import."""
    return type(error) is Exception or type(error).__name__ == "PanicException"


def _stopped(path: Path, error: BaseException) -> SpecError:
    return SpecError(
        f"{path} cannot be followed, the tokenizers library stops ({error}): copy it again, or use "
        "another tokenizer"
    )
