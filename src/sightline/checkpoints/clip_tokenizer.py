"""Whether a tokenizer is CLIP's own, down to every word and rule. Enter at `has_clip_merges`.

Its merges alone do not tell: people add words, exchange ids, or keep capital letters.
"""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from sightline.checkpoints.tokenizer_json import (
    CONFIG,
    Config,
    TokenizerJson,
    Word,
    content_of,
    model_ids,
    words_beside,
)
from sightline.checkpoints.tokenizer_marks import marks_of
from sightline.errors import CheckpointError, SpecError
from sightline.spec.byte_pairs import written_vocabulary
from sightline.spec.clean import cleaner

# sha256 of CLIP's 48,894 merges, "first second" on a line each, and of its 49,408 words, a line
# each in the order of their ids.
CLIP_MERGES = "f61f2adf497e6f5357c347aeb4646fabe82f341e946de5bdec5d2858e41bef4a"
CLIP_VOCABULARY = "7cccc44d334555d1ff3c0ac5f0246b428fab2918383e77ee745cf30d41010b78"
CLIP_MARKS = {"<|startoftext|>": 49406, "<|endoftext|>": 49407}
# Classes that write these rules themselves in transformers 5.23 (`tokenization_clip.py`), whatever
# tokenizer.json says; transformers 4 does as the file says.
CLIP_CLASSES = ("CLIPTokenizer", "CLIPTokenizerFast")

_Part: TypeAlias = dict[str, Any]
_NORMALIZER: _Part = {
    "type": "Sequence",
    "normalizers": [
        {"type": "NFC"},
        {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
        {"type": "Lowercase"},
    ],
}
_PIECES = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_BYTES: _Part = {"type": "ByteLevel", "add_prefix_space": False}
# As transformers 5 writes it, and as transformers 4 did (its `convert_slow_tokenizer.py`): the
# marks have no spelling in a text that is cut here.
_CUTS: tuple[_Part, ...] = tuple(
    {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": f"{marks}{_PIECES}"}, "behavior": "Removed"}
            | {"invert": True},
            _BYTES,
        ],
    }
    for marks in (r"<\|startoftext\|>|<\|endoftext\|>|", "")
)
# Keys that change no id: where a piece lies in its text, and another cut of what is cut already.
_IDLE = ("trim_offsets", "use_regex")


def has_clip_merges(merges: Sequence[str], vocabulary: Mapping[str, int]) -> bool:
    """Tell CLIP's merges with its two marks; what else there is may differ.

    Args:
        merges: "first second", in their order.
        vocabulary: Word → id.
    """
    if any(vocabulary.get(mark) != token_id for mark, token_id in CLIP_MARKS.items()):
        return False
    return sha256("\n".join(merges).encode()).hexdigest() == CLIP_MERGES


def changed_word(vocabulary: Mapping[str, int]) -> str | None:
    """Return a word whose id is not CLIP's, or None where all are.

    Args:
        vocabulary: Word → id, as vocab.json or the model of a tokenizer.json says.
    """
    words, ids = list(vocabulary), list(vocabulary.values())
    every = list(range(len(words)))
    if ids != every:  # no published file is out of order
        words = sorted(vocabulary, key=vocabulary.__getitem__)
        ids.sort()
    if ids == every and sha256("\n".join(words).encode()).hexdigest() == CLIP_VOCABULARY:
        return None
    known = written_vocabulary()[0] | CLIP_MARKS
    return next(word for word in {**known, **vocabulary} if known.get(word) != vocabulary.get(word))


def unlike_clip(path: Path, config: Config, whole: TokenizerJson) -> tuple[str, ...]:
    """Return what of a tokenizer with CLIP's merges is not CLIP's; nothing, where it is CLIP's own.

    Args:
        path: Its tokenizer.json.
        config: tokenizer_config.json beside it.
        whole: What the file says.

    Raises:
        CheckpointError: Libraries would not read it alike, or not as it is read here.
    """
    pad = content_of(config.pad_token)
    marks = {pad, *CLIP_MARKS}
    refuse_words_beside(path.parent, marks.union(one.content for one in whole.added_tokens))
    refuse_other_marks(path.parent, config)
    ids = model_ids(whole.model) | CLIP_MARKS  # which some files only add
    word, rules = changed_word(ids), changed_rules(whole)
    added = [one for one in whole.added_tokens if one.content not in marks & ids.keys()]
    if word is None and not added and is_older(config, whole):
        return ()
    _refuse_two_rules(path, config, rules)
    for one in added:
        _refuse_unfound(path, one, pad)
    found = [] if word is None else [f"another id for {word[:99]!r}"]
    found += [f"the added word {one.content[:99]!r}" for one in added[:3]]
    return (*found, *(f"another {rule}" for rule in rules))


def changed_rules(whole: TokenizerJson) -> tuple[str, ...]:
    """Return the parts of a tokenizer.json beside its words that are not CLIP's."""
    model = whole.model
    spelling = (model.continuing_subword_prefix or "", model.end_of_word_suffix)
    same = {
        "model": spelling == ("", "</w>") and not (model.byte_fallback or model.ignore_merges),
        "normalizer": whole.normalizer == _NORMALIZER,
        "pre_tokenizer": _bare(whole.pre_tokenizer) in _CUTS,
        "post_processor": _has_marks(whole),
    }
    return tuple(name for name in same if not same[name])


def is_older(config: Config, whole: TokenizerJson) -> bool:
    """Tell the file of a transformers whose class, and not the file, cut texts and wrote the marks.

    Later ones rewrite or refuse it: "heavily modified from transformers version 4.17.0", as
    transformers 4 `tokenization_clip_fast.py` says.
    """
    after = whole.post_processor
    by_class = config.tokenizer_class in (None, *CLIP_CLASSES) and after is not None
    parts = (whole.normalizer, _bare(whole.pre_tokenizer), after and after.type)
    return by_class and parts == (_NORMALIZER, _BYTES, "ByteLevel")


def _bare(part: Any) -> Any:
    """Leave out the keys that change no id."""
    if isinstance(part, dict):
        return {key: _bare(value) for key, value in part.items() if key not in _IDLE}
    return [_bare(one) for one in part] if isinstance(part, list) else part


def _has_marks(whole: TokenizerJson) -> bool:
    try:
        return marks_of(whole.post_processor) == tuple(CLIP_MARKS.values())
    except SpecError:
        return False


def refuse_words_beside(folder: Path, known: Collection[str | None]) -> None:
    """Refuse a word that a file beside tokenizer.json or vocab.json adds to it.

    Args:
        folder: Where the files are.
        known: The marks, the pad and the added words that the tokenizer has without them.

    Raises:
        CheckpointError: Names the word and the file.
    """
    for word, name in words_beside(folder).items():
        if word not in known:
            raise CheckpointError(
                f"{folder / name} adds the word {word[:99]!r} to CLIP's, which the vocabulary "
                "beside it lacks: save the tokenizer with a transformers that writes "
                "tokenizer.json, and give the model that"
            )


def refuse_other_marks(folder: Path, config: Config) -> None:
    """Refuse a config that names other marks than those that CLIP's texts begin and end with.

    Raises:
        CheckpointError: Names the mark.
    """
    said = (("bos_token", config.bos_token), ("eos_token", config.eos_token))
    for (key, token), mark in zip(said, CLIP_MARKS, strict=True):
        word = content_of(token)
        if word not in (None, mark):
            raise CheckpointError(
                f"{folder / CONFIG} has the {key} {str(word)[:99]!r} where CLIP's is {mark!r}: "
                "correct whichever is wrong"
            )


def _refuse_two_rules(path: Path, config: Config, rules: Sequence[str]) -> None:
    """Refuse a file beside a class that has rules of its own."""
    if rules and config.tokenizer_class in CLIP_CLASSES:
        raise CheckpointError(
            f"{path} has another {' and another '.join(rules)} than {config.tokenizer_class}, the "
            f"class that {CONFIG} names, and libraries follow the one or the other: correct "
            "whichever is wrong"
        )


def _refuse_unfound(path: Path, word: Word, pad: str | None) -> None:
    """Refuse an added word that would not be found in a text here as it is there."""
    if word.special and word.content != pad:
        raise CheckpointError(
            f"{path} adds the special word {word.content[:99]!r} to CLIP's, and special words are "
            "not looked for in texts here: add it as an ordinary one (special: false)"
        )
    clean = cleaner("whitespace")(word.content)
    if not word.special and clean != word.content:
        raise CheckpointError(
            f"{path} adds the word {word.content[:99]!r} to CLIP's, which no cleaned text can "
            f"have: add it as {clean[:99]!r}"
        )
