"""What a stranger's tokenizer.json asks for is looked at before the library does any of it."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest
import tokenizers

from bounded_tokenizers import followed
from sightline.spec.tokenizer_traps import (
    MOST_ITEMS,
    MOST_LETTERS,
    MOST_PART_BYTES,
    MOST_STEPS,
    NORMALIZERS,
    PRE_TOKENIZERS,
)

WORDS = {"<unk>": 0, "a": 1, "b": 2, "x": 3}
BPE = {"type": "BPE", "vocab": WORDS, "merges": [], "unk_token": "<unk>"}


def file(model: Any = BPE, **parts: Any) -> dict[str, Any]:
    return {"version": "1.0", "added_tokens": [], "model": model} | parts


def normalizing(*steps: dict[str, Any]) -> dict[str, Any]:
    return file(normalizer={"type": "Sequence", "normalizers": steps})


def replaces(content: str, **pattern: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def prepends(text: str) -> dict[str, Any]:
    return {"type": "Prepend", "prepend": text}


def splits(pattern: str) -> dict[str, Any]:
    kind = {"type": "Split", "pattern": {"Regex": pattern}}
    return file(pre_tokenizer=kind | {"behavior": "Isolated", "invert": False})


def unigram(*words: str) -> dict[str, Any]:
    scores = [["<unk>", 0.0], *([word, -1.0] for word in words)]
    return file({"type": "Unigram", "unk_id": 0, "vocab": scores})


def added(content: str, number: int) -> dict[str, Any]:
    switches = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True}
    return {"id": number, "content": content, "special": False} | switches


def precompiled(*words: int, texts: bytes = b"") -> dict[str, Any]:
    """Return a step with a table: the length of a trie, the trie, texts."""
    table = b"".join(word.to_bytes(4, "little") for word in words) + texts
    return {"type": "Precompiled", "precompiled_charsmap": b64encode(table).decode()}


BYTES = {"type": "ByteLevel"}
CUT_BYTES = BYTES | {"add_prefix_space": True, "trim_offsets": True, "use_regex": False}
STRIP = {"type": "Strip", "strip_left": True, "strip_right": True}
GROWN = (
    "its {} may let one character become more than 256: no published tokenizer does, so do not use "
    "it"
)
NORMALIZED, BOTH = GROWN.format("normalizer"), GROWN.format("normalizer and pre_tokenizer")
STEPS = (
    "more than 64 steps, or patterns that repeat too much: no published tokenizer has such, so do "
    "not use it"
)
LETTERS = (
    f"its words have more than 256 letters, or more than {MOST_LETTERS} together: no published "
    "tokenizer has such, so do not use it"
)
WIDE = (
    "its model looks for words of more than 256 letters, or marks pieces with more than 16: no "
    "published tokenizer does, so do not use it"
)
TABLE = "its precompiled_charsmap is cut short or damaged: copy it again"
EMPTY = "its pattern is empty, which is everywhere: use another tokenizer"
PART = f"has more than {MOST_PART_BYTES} bytes: do not use it"
NOT_READ = "which is not read here"

# What did harm, by name: what it is, and what is said of it now.
TRAPS: dict[str, tuple[Any, str]] = {
    "bytes of bytes": (normalizing(*[BYTES] * 24), NORMALIZED),
    "bytes of bytes of pieces": (
        file(pre_tokenizer={"type": "Sequence", "pretokenizers": [CUT_BYTES] * 40}),
        GROWN.format("pre_tokenizer"),
    ),
    "bytes on both sides": (
        normalizing(*[BYTES] * 4) | {"pre_tokenizer": CUT_BYTES},
        BOTH,
    ),
    "replaced by more": (normalizing(*[replaces("aa", String="a")] * 40), NORMALIZED),
    "much before a text": (normalizing(prepends("a" * 10**6)), NORMALIZED),
    "much before it, replaced by more": (
        normalizing(prepends("a" * 20), replaces("b" * 255, String="a")),
        NORMALIZED,
    ),
    "a table that lets it grow": (
        normalizing(precompiled(4, 0, texts=b"a\0" + b"b" * 300)),
        NORMALIZED,
    ),
    "a ligature spelt out": (
        normalizing(replaces("\ufdfa" * 20, String="a"), {"type": "NFKD"}),
        NORMALIZED,
    ),
    "words of all lengths": (unigram(*("b" * count for count in range(1, 3000))), LETTERS),
    "words of many letters": (
        unigram(*(f"{count:x}".rjust(250, "b") for count in range(MOST_LETTERS // 250 + 1))),
        LETTERS,
    ),
    "added words that grow": (
        normalizing(replaces("b" * 200, String="a"))
        | {"added_tokens": [added("a" * 200, 9 + count) for count in range(250)]},
        LETTERS,
    ),
    "a word looked for in all ways": (
        file(BPE | {"type": "WordPiece", "max_input_chars_per_word": 10**12}),
        WIDE,
    ),
    "a long end of words": (file(BPE | {"end_of_word_suffix": "x" * 17}), WIDE),
    "pieces of no length": (
        file(pre_tokenizer={"type": "FixedLength", "length": 0}),
        f"its pre_tokenizer has the step 'FixedLength', {NOT_READ}: use another tokenizer",
    ),
    "another model": (file({"type": "Oracle"}), f"its model is a 'Oracle', {NOT_READ}"),
    "another decoder": (
        file(decoder={"type": "CTC"}),
        f"its decoder has the step 'CTC', {NOT_READ}: use another tokenizer",
    ),
    "a decoder that grows": (
        file(decoder={"type": "Sequence", "decoders": [replaces("xx", String="x")] * 40}),
        GROWN.format("decoder"),
    ),
    "a pattern that never ends": (
        splits("(x+x+)+y"),
        "its regular expression '(x+x+)+y' is of no kind that ends for certain (nested repeats, "
        "references), and no published tokenizer has such: use another",
    ),
    "many patterns": (normalizing(*[replaces("", Regex=" *▁")] * 9), f"its normalizer has {STEPS}"),
    "an empty pattern": (normalizing(replaces("x", String="")), EMPTY),
    "steps that do nothing": (
        normalizing(*[STRIP] * (MOST_STEPS + 1)),
        f"its normalizer has {STEPS}",
    ),
    "a long part": (
        normalizing(replaces("", String="a" * MOST_PART_BYTES)),
        f"its normalizer {PART}",
    ),
    "many words": (
        b'{"model": {"type": "BPE", "vocab": {}, "merges": [%s""]}}' % (b'"",' * MOST_ITEMS),
        f"its model has more than {MOST_ITEMS} items: no published tokenizer has",
    ),
    "a table that ends before its trie": (normalizing(precompiled(0x7FFFFFFF, 0)), TABLE),
    "a table without a trie": (normalizing(precompiled(0)), TABLE),
    "a table of nothing": (normalizing(precompiled()), TABLE),
    "a table that is no base64": (
        normalizing({"type": "Precompiled", "precompiled_charsmap": "~"}),
        TABLE,
    ),
    "no table": (normalizing({"type": "Precompiled"}), TABLE),
    "no words": (
        file(BPE | {"vocab": {}, "unk_token": None}),
        "its vocabulary of 0 words lacks one for what it does not know: copy it again",
    ),
    "no word for the unknown": (
        file({"type": "WordLevel", "vocab": {"b": 0}, "unk_token": "a"}),
        "its vocabulary of 1 words lacks one for what it does not know: copy it again",
    ),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    cases = {name: case for name, (case, _) in TRAPS.items()} | HARMLESS
    return followed(tmp_path_factory.mktemp("traps"), cases)


@pytest.mark.parametrize("name", TRAPS)
def test_what_would_stop_the_process_is_a_sentence(name: str, said: dict[str, str]) -> None:
    _, sentence = TRAPS[name]
    assert said[name].startswith("SpecError: ")
    assert said[name].endswith(f"{name}/tokenizer.json cannot be followed: {sentence}")


A = {"Sequence": {"id": "A", "type_id": 0}}
TWICE = {"type": "TemplateProcessing", "single": [A, A], "pair": [A, A], "special_tokens": {}}
EVIL = json.dumps(normalizing(*[BYTES] * 24)["normalizer"])
WHOLE = json.dumps(file())
# Controls: what is much like a trap and none, or only would be one for the library by itself.
HARMLESS: dict[str, Any] = {
    "nothing": file(),
    "of the first files": file({key: said for key, said in BPE.items() if key != "type"}),
    "as much as may be": normalizing(replaces("b" * 256, String="a")),
    "as many patterns as may be": normalizing(*[replaces("", Regex=" *▁")] * 8),
    "as long a word as may be": unigram("b" * 256),
    "a small table": normalizing(precompiled(4 * 256, *[0] * 256, texts=b"a\0")),
    "texts doubled behind the ids": file(
        post_processor={"type": "Sequence", "processors": [TWICE] * 40}
    ),
    "a pad of a terabyte": file(
        padding={
            "strategy": {"Fixed": 10**12},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 1,
            "pad_type_id": 0,
            "pad_token": "<unk>",
        }
    ),
    "said twice": f'{{"normalizer": {EVIL}, "normalizer": null, {WHOLE[1:]}'.encode(),
    "said twice below": WHOLE.replace(
        '"model"', f'"normalizer": {EVIL[:-1]}, "type": "NFC", "normalizers": []}}, "model"'
    ).encode(),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_control_what_is_no_trap_is_followed(name: str, said: dict[str, str]) -> None:
    count, unit = said[name].split()
    assert unit == "ids"
    assert int(count) < 5000


def test_control_they_stop_the_library_by_itself(tmp_path: Path) -> None:
    names = ("bytes of bytes", "pieces of no length", "a pattern that never ends")
    stopped = followed(tmp_path, {name: TRAPS[name][0] for name in names}, by="library")
    assert [name for name in names if stopped[name].endswith(" ids")] == []


def grown(text: str, how: Any) -> int:
    """Return how many characters one step makes of a text."""
    if isinstance(how, tokenizers.normalizers.Normalizer):
        return len(how.normalize_str(text))
    return sum(len(piece) for piece, _ in how.pre_tokenize_str(text))


ARGUMENTS = {"Split": ("x", "isolated"), "CharDelimiterSplit": ("x",)}
STEPS_OF = (
    (NORMALIZERS, tokenizers.normalizers),
    (PRE_TOKENIZERS, tokenizers.pre_tokenizers),
)


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        pytest.param(getattr(module, name), most, id=f"{name}-{most}")
        for table, module in STEPS_OF
        for name, most in table.items()
        if most
    ],
)
def test_each_step_lets_a_character_grow_as_the_table_says(kind: Any, most: int) -> None:
    step = kind(*ARGUMENTS.get(kind.__name__, ()))
    every = (chr(code) for code in range(0x110000))
    assert max(grown(one, step) for one in every if category(one) not in ("Cn", "Co", "Cs")) == most
