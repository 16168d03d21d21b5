"""A tokenizer.json that writes whole rows by itself: cleaned, marked, cut and padded.

For programs that have the tokenizers library, or one that reads its files, and nothing else. Enter
at `whole_tokenizer`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from sightline.checkpoints import Checkpoint
from sightline.checkpoints.json_file import json_bytes, read_bytes
from sightline.checkpoints.tokenizer_files import TOKENIZER, tokenizer_files
from sightline.errors import CheckpointError
from sightline.spec import TextRecipe, open_words
from sightline.spec.clean import Cleaning
from sightline.spec.tokenizer_traps import without_traps

_Part: TypeAlias = dict[str, Any]

_NFC: _Part = {"type": "NFC"}
_LOWER: _Part = {"type": "Lowercase"}
_STRIP: _Part = {"type": "Strip", "strip_left": True, "strip_right": True}
_SPACES: _Part = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}
_UNDERSCORE: _Part = {"type": "Replace", "pattern": {"String": "_"}, "content": " "}
# string.punctuation, as ranges.
_PUNCTUATION: _Part = {
    "type": "Replace",
    "pattern": {"Regex": r"[!-/:-@\[-`{-~]"},
    "content": "",
}
# What `spec.clean` does, as the library says it. It knows neither ftfy nor HTML escapes; of ftfy it
# composes letters.
CLEANINGS: Mapping[Cleaning, Sequence[_Part]] = {
    "openai": (_NFC, _SPACES, _STRIP, _LOWER),
    "nfc_lower": (_NFC, _SPACES, _STRIP, _LOWER),
    "canonical_space": (_NFC, _UNDERSCORE, _PUNCTUATION, _LOWER, _SPACES, _STRIP),
    "canonical_delete": (_LOWER, _PUNCTUATION, _SPACES, _STRIP),
    "whitespace": (_NFC, _SPACES, _STRIP),
    "lower": (_LOWER,),
    "none": (),
}
# Texts that no cleaning mends, which must have the same ids here and there.
PLAIN = (
    "a",
    "A photo of a Cat",
    "snake_case, isn't it?  Two  spaces!",
    "caf\u00e9, 12 euros at 10:45",
    "one two three four five six seven eight nine ten " * 16,
)


def whole_tokenizer(checkpoint: Checkpoint) -> bytes:
    """Return a model's tokenizer, as a file that needs no recipe beside it.

    Raises:
        CheckpointError: The file gives plain texts other rows than the model does: then export
            class vectors.
        SpecError: The model's own tokenizer is missing or damaged.
    """
    words = open_words(checkpoint.spec.words, checkpoint.folder)
    file = checkpoint.tokenizer_file if checkpoint.spec.words.tokenizer == "file" else None
    own = tokenizer_files(words.recipe, None)[TOKENIZER] if file is None else read_bytes(file)
    made = _completed(without_traps(own)[0], words.recipe)
    for text, row in zip(PLAIN, words.rows(PLAIN, long="cut").ids.tolist(), strict=True):
        if rows_of(made, [text]) != [row]:
            raise CheckpointError(
                f"the tokenizer of {checkpoint.folder} cannot be said in one file, {text[:20]!r} "
                "would get other ids: export class vectors (--labels)"
            )
    return made


def rows_of(file: bytes, texts: Sequence[str]) -> list[list[int]]:
    """Return the rows that a written tokenizer gives texts, as any program would."""
    from tokenizers import Tokenizer

    return [one.ids for one in Tokenizer.from_buffer(file).encode_batch(list(texts))]


def _completed(own: bytes, recipe: TextRecipe) -> bytes:
    """Put what a recipe says into a tokenizer's file."""
    from tokenizers import Tokenizer

    written: _Part = msgspec.json.decode(own)
    spelt = Tokenizer.from_buffer(own).id_to_token
    length = recipe.context_length
    there = written.get("normalizer")
    steps = [*CLEANINGS[recipe.clean], *([] if there is None else [there])]
    written["normalizer"] = {"type": "Sequence", "normalizers": steps}
    written["post_processor"] = _marking(recipe, spelt)
    written["truncation"] = {
        "direction": "Right",
        "max_length": length,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    written["padding"] = {
        "strategy": {"Fixed": length},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": recipe.pad_id,
        "pad_type_id": 0,
        "pad_token": spelt(recipe.pad_id),
    }
    if "dropout" in written["model"]:
        written["model"]["dropout"] = None  # it would draw other ids at each call
    return json_bytes(written)


def _marking(recipe: TextRecipe, spelt: Any) -> _Part:
    """Say which marks stand around a text."""
    text: _Part = {"Sequence": {"id": "A", "type_id": 0}}
    marks = {spelt(one): one for one in (recipe.start_id, recipe.end_id) if one is not None}
    start, end = (
        [] if one is None else [{"SpecialToken": {"id": spelt(one), "type_id": 0}}]
        for one in (recipe.start_id, recipe.end_id)
    )
    return {
        "type": "TemplateProcessing",
        "single": [*start, text, *end],
        "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            word: {"id": word, "ids": [one], "tokens": [word]} for word, one in marks.items()
        },
    }
