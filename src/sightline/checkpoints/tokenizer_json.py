"""The keys of a tokenizer's files that decide something. Enter at `TokenizerJson` and `Config`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from sightline.checkpoints.json_file import read_json, understood
from sightline.checkpoints.tokenizer_marks import After

CONFIG, MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"


class Token(msgspec.Struct, frozen=True):
    """A special word with how it is looked for, which is of no use here."""

    content: str


Named: TypeAlias = str | Token | None


class Config(msgspec.Struct, frozen=True):
    """tokenizer_config.json."""

    tokenizer_class: str | None = None
    pad_token: Named = None
    bos_token: Named = None
    eos_token: Named = None
    add_bos_token: bool | None = None
    add_eos_token: bool | None = None
    padding_side: str | None = None
    truncation_side: str | None = None


class _Beside(msgspec.Struct, frozen=True):
    """What tokenizer_config.json and special_tokens_map.json may add to a vocabulary."""

    pad_token: Named = None
    bos_token: Named = None
    eos_token: Named = None
    unk_token: Named = None
    sep_token: Named = None
    cls_token: Named = None
    mask_token: Named = None
    added_tokens_decoder: dict[str, Token] = {}
    additional_special_tokens: list[str | Token] | None = None
    extra_special_tokens: list[str | Token] | dict[str, str | Token] | None = None


class Model(msgspec.Struct, frozen=True):
    """The vocabulary of a tokenizer.json."""

    type: str | None = None
    vocab: dict[str, int] | list[tuple[str, float]] = {}
    unk_token: str | None = None
    merges: list[str | tuple[str, str]] = []
    continuing_subword_prefix: str | None = None
    end_of_word_suffix: str | None = None
    byte_fallback: bool = False
    ignore_merges: bool = False


class Word(msgspec.Struct, frozen=True):
    """A word that was added to a vocabulary, and is found before a text is cut into pieces."""

    id: int
    content: str
    special: bool = False
    normalized: bool = True


class _Padding(msgspec.Struct, frozen=True):
    pad_id: int | None = None
    direction: str = "Right"


class _Truncation(msgspec.Struct, frozen=True):
    direction: str = "Right"


class TokenizerJson(msgspec.Struct, frozen=True):
    """tokenizer.json."""

    model: Model
    added_tokens: list[Word] = []
    padding: _Padding | None = None
    truncation: _Truncation | None = None
    normalizer: dict[str, Any] | None = None
    pre_tokenizer: dict[str, Any] | None = None
    post_processor: After | None = None


def config_of(folder: Path) -> Config:
    """Read tokenizer_config.json, with the pad token of special_tokens_map.json if it lacks one.

    Raises:
        CheckpointError: Either is damaged.
    """
    path, words = folder / CONFIG, folder / MAP
    config = understood(read_json(path), Config, path) if path.exists() else Config()
    if config.pad_token is None and words.exists():
        said = understood(read_json(words), Config, words)
        config = msgspec.structs.replace(config, pad_token=said.pad_token)
    return config


def words_beside(folder: Path) -> Mapping[str, str]:
    """Return each word that a file beside tokenizer.json or vocab.json names, and which file does.

    Raises:
        CheckpointError: One of them is damaged.
    """
    found: dict[str, str] = {}
    for name in (CONFIG, MAP):
        path = folder / name
        if path.exists():
            said = understood(read_json(path), _Beside, path)
            found |= {word: name for word in _words(said)}
    path = folder / ADDED
    if path.exists():
        found |= {word: ADDED for word in read_json(path)}
    return found


def _words(said: _Beside) -> list[str]:
    """Return the words that a file names, in whichever of its keys."""
    words = [getattr(said, key) for key in said.__struct_fields__ if key.endswith("_token")]
    words += said.added_tokens_decoder.values()
    for more in (said.additional_special_tokens, said.extra_special_tokens):
        words += more.values() if isinstance(more, dict) else more or ()
    return [word for one in words if (word := content_of(one)) is not None]


def content_of(token: Named) -> str | None:
    """Return the word of a token, however it is written."""
    return token.content if isinstance(token, Token) else token


def model_ids(model: Model) -> dict[str, int]:
    """Return the ids of words, which some models list with a score each in the order of ids."""
    if isinstance(model.vocab, dict):
        return dict(model.vocab)
    return {word: place for place, (word, _) in enumerate(model.vocab)}


def all_ids(whole: TokenizerJson) -> dict[str, int]:
    """Return the ids of all words, added ones too.

    The tokenizers library does not read the id of an added word that its model lacks: it counts on.
    """
    ids = model_ids(whole.model)
    following = len(ids)
    for word in whole.added_tokens:
        if word.content not in ids:
            ids[word.content], following = following, following + 1
    return ids
