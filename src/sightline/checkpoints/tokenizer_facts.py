"""What a published folder says of its tokenizer. Enter at `tokenizer_facts`."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from sightline.checkpoints.clip_tokenizer import (
    CLIP_MARKS,
    changed_word,
    has_clip_merges,
    is_older,
    refuse_other_marks,
    refuse_words_beside,
    unlike_clip,
)
from sightline.checkpoints.json_file import read_bytes, read_json, read_understood
from sightline.checkpoints.tokenizer_json import (
    CONFIG,
    Config,
    Named,
    TokenizerJson,
    all_ids,
    config_of,
    content_of,
)
from sightline.checkpoints.tokenizer_marks import marks_of
from sightline.errors import CheckpointError, SpecError

# Classes of transformers 5.23 that pad on the left where a folder says nothing.
PADS_LEFT = frozenset({"GemmaTokenizer", "GemmaTokenizerFast", "Siglip2Tokenizer"})


class TokenizerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Which tokenizer it is, and how it writes a row."""

    file: Path | None  # tokenizer.json; None where there is none that can be followed by itself
    clip: bool  # whether its words and rules are CLIP's own, every one
    kind: str | None  # the class that the folder names: it says how texts are cleaned
    start_id: int | None
    end_id: int | None
    pad_id: int | None  # None: the folder does not say
    ids: int  # one more than the highest id
    unlike_clip: tuple[str, ...] = ()  # of CLIP's merges: what of it is another's
    remarks: tuple[str, ...] = ()


def tokenizer_facts(folder: Path) -> TokenizerFacts:
    """Read which tokenizer a published folder brings.

    Raises:
        CheckpointError: There is none, it is damaged, or it writes rows in a way that the spec
            cannot say.
    """
    config = config_of(folder)
    _refuse_left(folder / CONFIG, config.padding_side, config.truncation_side)
    path = folder / "tokenizer.json"
    if path.exists():
        return _from_file(path, config)
    merges = folder / "merges.txt"
    if merges.exists() and (folder / "vocab.json").exists():
        return _from_merges(folder, config)
    if (folder / "spiece.model").exists():
        # With the class's own cleaning before it, this gives SiglipTokenizer's ids.
        raise CheckpointError(
            f"{folder} has a spiece.model and no tokenizer.json: with transformers 5 and "
            "sentencepiece, write it by "
            f"T5Tokenizer.from_pretrained({str(folder)!r}, extra_ids=0)"
            f".backend_tokenizer.save({str(path)!r})"
        )
    raise CheckpointError(
        f"{folder} has no tokenizer.json, so nothing says how its texts become ids: put the "
        "tokenizer that the model was trained with beside its weights"
    )


def is_clip_s_own(file: Path) -> bool:
    """Tell whether a tokenizer.json is CLIP's own, whatever stands beside it.

    Raises:
        CheckpointError: It is damaged, or made of CLIP's in a way that is not read here.
    """
    return _from_file(file, Config()).clip


def _refuse_left(path: Path, padding: str | None, truncation: str | None) -> None:
    """Refuse rows that are filled or cut on their left side."""
    for verb, done, side in (("pads", "padded", padding), ("cuts", "cut", truncation)):
        if side not in (None, "right", "Right"):
            raise CheckpointError(
                f"{path} {verb} on the {side.lower()}: only texts that are {done} on the right are "
                "read here"
            )


def _from_file(path: Path, config: Config) -> TokenizerFacts:
    whole = read_understood(path, TokenizerJson)
    if whole.padding and config.padding_side is None:
        _refuse_left(path, whole.padding.direction, None)
    if whole.truncation and config.truncation_side is None:
        _refuse_left(path, None, whole.truncation.direction)
    vocabulary = all_ids(whole)
    if has_clip_merges(_merges(whole), vocabulary):
        return _like_clip(path, config, whole, vocabulary)
    return _of_file(path, config, whole, vocabulary)


def _merges(whole: TokenizerJson) -> list[str]:
    pairs = whole.model.merges
    return [pair if isinstance(pair, str) else " ".join(pair) for pair in pairs]


def _of_file(
    path: Path, config: Config, whole: TokenizerJson, vocabulary: Mapping[str, int]
) -> TokenizerFacts:
    """Describe a tokenizer that is what its file says."""
    start_id, end_id = _marks(path, whole)
    _refuse_contradiction(path, config, vocabulary, (start_id, end_id))
    return TokenizerFacts(
        file=path,
        clip=False,
        kind=config.tokenizer_class,
        start_id=start_id,
        end_id=end_id,
        pad_id=_pad_id(config, whole, vocabulary),
        ids=1 + max(vocabulary.values(), default=-1),
        remarks=_remarks(config),
    )


def _like_clip(
    path: Path, config: Config, whole: TokenizerJson, vocabulary: Mapping[str, int]
) -> TokenizerFacts:
    """Describe a tokenizer with CLIP's merges: CLIP's own, or what was made of it."""
    unlike = unlike_clip(path, config, whole)
    pad_id = _pad_id(config, whole, vocabulary)
    if not unlike:
        return _clip(config, pad_id, None if is_older(config, whole) else path)
    facts = _of_file(path, config, whole, vocabulary)
    if config.pad_token is None and pad_id is None:
        pad_id = CLIP_MARKS["<|endoftext|>"]
    return msgspec.structs.replace(facts, pad_id=pad_id, unlike_clip=unlike)


def _pad_id(config: Config, whole: TokenizerJson, vocabulary: Mapping[str, int]) -> int | None:
    """Return what rows are filled with: as the config says, or else the file itself."""
    pad_id = _id_of(config.pad_token, vocabulary)
    return whole.padding.pad_id if pad_id is None and whole.padding is not None else pad_id


def _id_of(token: Named, vocabulary: Mapping[str, int]) -> int | None:
    """Return the id of a word that the folder names."""
    content = content_of(token)
    return None if content is None else vocabulary.get(content)


def _from_merges(folder: Path, config: Config) -> TokenizerFacts:
    """Read the two files of before tokenizer.json; only CLIP's own are known to need no more."""
    lines = read_bytes(folder / "merges.txt").decode("utf-8", errors="replace").split("\n")
    merges = [line for line in lines if line and not line.startswith("#version")]
    path = folder / "vocab.json"
    said = read_json(path)
    vocabulary = {word: number for word, number in said.items() if isinstance(number, int)}
    if not has_clip_merges(merges, vocabulary):
        raise CheckpointError(
            f"{folder} has another vocabulary than CLIP's and no tokenizer.json: save its "
            "tokenizer with a transformers that writes one"
        )
    word = changed_word(vocabulary)
    if word is not None:
        raise CheckpointError(
            f"{path} gives {word[:99]!r} the id {vocabulary.get(word)}, which is not CLIP's, and "
            "there is no tokenizer.json: save its tokenizer with a transformers that writes one"
        )
    pad = content_of(config.pad_token)
    refuse_words_beside(folder, {*CLIP_MARKS, pad if pad in vocabulary else None})
    refuse_other_marks(folder, config)
    return _clip(config, _id_of(config.pad_token, vocabulary), None)


def _clip(config: Config, pad_id: int | None, file: Path | None) -> TokenizerFacts:
    """Describe CLIP's own tokenizer, whose class pads with the end where a folder says nothing."""
    start_id, end_id = CLIP_MARKS.values()
    if config.pad_token is None and pad_id is None:
        pad_id = end_id  # `pad_token` of transformers 5.23 `tokenization_clip.py`
    return TokenizerFacts(
        file=file,
        clip=True,
        kind=config.tokenizer_class,
        start_id=start_id,
        end_id=end_id,
        pad_id=pad_id,
        ids=1 + end_id,
    )


def _refuse_contradiction(
    path: Path,
    config: Config,
    vocabulary: Mapping[str, int],
    marks: tuple[int | None, int | None],
) -> None:
    """Refuse a config that asks for other marks than the file writes.

    transformers 4 does as the config says where its class knows these keys; transformers 5 drops
    them (5.23 `tokenization_utils_base.py`).
    """
    flags = (
        ("add_bos_token", config.add_bos_token, config.bos_token),
        ("add_eos_token", config.add_eos_token, config.eos_token),
    )
    for (key, said, token), mark in zip(flags, marks, strict=True):
        wanted = _id_of(token, vocabulary) if said else None
        if said is not None and (wanted != mark or (said and mark is None)):
            raise CheckpointError(
                f"{path.with_name(CONFIG)} has {key} {str(said).lower()} and tokenizer.json writes "
                f"{'no id' if mark is None else f'the id {mark}'} there: correct whichever is wrong"
            )


def _remarks(config: Config) -> tuple[str, ...]:
    if config.padding_side is None and config.tokenizer_class in PADS_LEFT:
        return (
            f"{CONFIG} has no padding_side, and {config.tokenizer_class} of transformers then pads "
            "on the left; rows are padded on the right here, as such models were trained",
        )
    return ()


def _marks(path: Path, whole: TokenizerJson) -> tuple[int | None, int | None]:
    """Return what the tokenizer puts before and after a text; it is not run, for it is not ours."""
    try:
        return marks_of(whole.post_processor)
    except SpecError as error:
        raise CheckpointError(f"{path} cannot be followed: {error}") from error
