"""What a published folder says of its tokenizer. Enter at `tokenizer_facts`."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from sightline.checkpoints.json_file import (
    read_bytes,
    read_json,
    read_understood,
    understood,
)
from sightline.checkpoints.tokenizer_marks import After, marks_of
from sightline.errors import CheckpointError, SpecError

# sha256 of CLIP's 48,894 merges, "first second" on a line each: who has these has its vocabulary.
CLIP_MERGES = "f61f2adf497e6f5357c347aeb4646fabe82f341e946de5bdec5d2858e41bef4a"
CLIP_MARKS = {"<|startoftext|>": 49406, "<|endoftext|>": 49407}


class TokenizerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Which tokenizer it is, and how it writes a row."""

    file: Path | None  # tokenizer.json; None where the vocabulary is CLIP's own
    kind: str | None  # the class that the folder names: it says how texts are cleaned
    start_id: int | None
    end_id: int | None
    pad_id: int | None  # None: the folder does not say


class _Token(msgspec.Struct, frozen=True):
    """A special word with how it is looked for, which is of no use here."""

    content: str


class _Config(msgspec.Struct, frozen=True):
    """The keys of tokenizer_config.json that decide something."""

    tokenizer_class: str | None = None
    pad_token: str | _Token | None = None
    bos_token: str | _Token | None = None
    eos_token: str | _Token | None = None
    add_bos_token: bool | None = None  # where either is said, both win over tokenizer.json
    add_eos_token: bool | None = None
    padding_side: str | None = None


class _Model(msgspec.Struct, frozen=True):
    """The vocabulary of a tokenizer.json."""

    type: str | None = None
    vocab: dict[str, int] | list[tuple[str, float]] = {}
    unk_token: str | None = None
    merges: list[str | tuple[str, str]] = []


class _Word(msgspec.Struct, frozen=True):
    id: int
    content: str


class _Padding(msgspec.Struct, frozen=True):
    pad_id: int | None = None


class _File(msgspec.Struct, frozen=True):
    """The keys of tokenizer.json that decide something."""

    model: _Model
    added_tokens: list[_Word] = []
    padding: _Padding | None = None
    post_processor: After | None = None


def tokenizer_facts(folder: Path) -> TokenizerFacts:
    """Read which tokenizer a published folder brings.

    Raises:
        CheckpointError: There is none, it is damaged, or it writes rows in a way that the spec
            cannot say.
    """
    config = _config(folder)
    if config.padding_side not in (None, "right"):
        raise CheckpointError(
            f"{folder / 'tokenizer_config.json'} pads on the {config.padding_side}: only texts "
            "that are padded on the right are read here"
        )
    path = folder / "tokenizer.json"
    if path.exists():
        return _from_file(path, config)
    merges = folder / "merges.txt"
    if merges.exists() and (folder / "vocab.json").exists():
        return _from_merges(folder, config)
    raise CheckpointError(
        f"{folder} has no tokenizer.json, so nothing says how its texts become ids: put the "
        "tokenizer that the model was trained with beside its weights"
    )


def _config(folder: Path) -> _Config:
    """Read tokenizer_config.json, with the pad token of special_tokens_map.json if it lacks one."""
    path, words = folder / "tokenizer_config.json", folder / "special_tokens_map.json"
    config = understood(read_json(path), _Config, path) if path.exists() else _Config()
    if config.pad_token is None and words.exists():
        said = understood(read_json(words), _Config, words)
        config = msgspec.structs.replace(config, pad_token=said.pad_token)
    return config


def _from_file(path: Path, config: _Config) -> TokenizerFacts:
    whole = read_understood(path, _File)
    vocabulary = _ids(whole.model.vocab)
    vocabulary |= {word.content: word.id for word in whole.added_tokens}
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in whole.model.merges]
    pad_id = _id_of(config.pad_token, vocabulary)
    if pad_id is None and whole.padding is not None:
        pad_id = whole.padding.pad_id
    if _is_clip(merges, vocabulary):
        return _clip(config, pad_id)
    start_id, end_id = _marks(path, whole)
    if config.add_bos_token is not None or config.add_eos_token is not None:
        start_id = _id_of(config.bos_token, vocabulary) if config.add_bos_token else None
        end_id = _id_of(config.eos_token, vocabulary) if config.add_eos_token else None
    return TokenizerFacts(
        file=path, kind=config.tokenizer_class, start_id=start_id, end_id=end_id, pad_id=pad_id
    )


def _ids(vocabulary: dict[str, int] | list[tuple[str, float]]) -> dict[str, int]:
    """Return the ids of words, which some models list with a score each in the order of ids."""
    if isinstance(vocabulary, dict):
        return dict(vocabulary)
    return {word: place for place, (word, _) in enumerate(vocabulary)}


def _from_merges(folder: Path, config: _Config) -> TokenizerFacts:
    """Read the two files of before tokenizer.json; only CLIP's own are known to need no more."""
    lines = read_bytes(folder / "merges.txt").decode("utf-8", errors="replace").split("\n")
    merges = [line for line in lines if line and not line.startswith("#version")]
    said = read_json(folder / "vocab.json")
    vocabulary = {word: number for word, number in said.items() if isinstance(number, int)}
    if not _is_clip(merges, vocabulary):
        raise CheckpointError(
            f"{folder} has another vocabulary than CLIP's and no tokenizer.json: save its "
            "tokenizer with a transformers that writes one"
        )
    return _clip(config, _id_of(config.pad_token, vocabulary))


def _is_clip(merges: Sequence[str], vocabulary: Mapping[str, int]) -> bool:
    """Tell CLIP's vocabulary by its merges and its two marks."""
    if any(vocabulary.get(mark) != token_id for mark, token_id in CLIP_MARKS.items()):
        return False
    return sha256("\n".join(merges).encode()).hexdigest() == CLIP_MERGES


def _clip(config: _Config, pad_id: int | None) -> TokenizerFacts:
    """Describe CLIP's own tokenizer, whose class pads with the end where a folder says nothing."""
    start_id, end_id = CLIP_MARKS.values()
    if config.pad_token is None and pad_id is None:
        pad_id = end_id  # `pad_token` of transformers 5.23 `tokenization_clip.py`
    return TokenizerFacts(
        file=None, kind=config.tokenizer_class, start_id=start_id, end_id=end_id, pad_id=pad_id
    )


def _id_of(token: str | _Token | None, vocabulary: Mapping[str, int]) -> int | None:
    """Return the id of a word that the folder names."""
    content = token.content if isinstance(token, _Token) else token
    return None if content is None else vocabulary.get(content)


def _marks(path: Path, whole: _File) -> tuple[int | None, int | None]:
    """Return what the tokenizer puts before and after a text; it is not run, for it is not ours."""
    try:
        return marks_of(whole.post_processor)
    except SpecError as error:
        raise CheckpointError(f"{path} cannot be followed: {error}") from error
