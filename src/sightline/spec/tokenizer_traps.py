"""What a stranger's tokenizer.json may not ask for. Enter at `without_traps`.

Such a file is a program, and the tokenizers library runs it: some files make it grow a text without
end, ask for more memory than there is, or stop the whole process. So the library is only given what
was looked at: steps of known kinds, each with how much it may let a text grow.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping

import msgspec

from sightline.errors import SpecError
from sightline.spec.tokenizer_patterns import given_back

MOST_STEPS = 64  # SigLIP's first tokenizers have a dozen
MOST_GROWTH = 256  # characters that one may become; SigLIP's may make 72 of one
MOST_GIVEN_BACK = 8  # by all patterns of a part: GPT-4o's has three
MOST_PART_BYTES = 4 * 2**20  # Gemma 3 adds 6,400 words in about 1.3 MB
MOST_ITEMS = 2**22  # commas of a vocabulary with its merges: XLM-V has about 1.8 million
MOST_LETTERS = 2**23  # of all words that are searched as a tree: XLM-V has about 6 million
MOST_WORD = 256  # letters of a word: SentencePiece ends at 16, and added words at 31
MOST_AFFIX = 16  # letters: "</w>" has four

# How many characters one may become at most; 0: it depends on what else the step says.
NORMALIZERS: Mapping[str, int] = {
    "BertNormalizer": 3,
    "Lowercase": 2,
    "NFC": 3,
    "NFD": 4,
    "NFKC": 18,
    "NFKD": 18,
    "Nmt": 1,
    "Precompiled": 0,
    "Prepend": 0,
    "Replace": 0,
    "Strip": 1,
    "StripAccents": 1,
    "ByteLevel": 4,
}
PRE_TOKENIZERS: Mapping[str, int] = {
    "BertPreTokenizer": 1,
    "ByteLevel": 5,  # it may put a space before each piece
    "CharDelimiterSplit": 1,
    "Digits": 1,
    "Metaspace": 2,  # likewise
    "Punctuation": 1,
    "Split": 1,
    "UnicodeScripts": 1,
    "Whitespace": 1,
    "WhitespaceSplit": 1,
}
DECODERS: Mapping[str, int] = {
    "BPEDecoder": 3,
    "ByteFallback": 1,
    "ByteLevel": 1,
    "Fuse": 1,
    "Metaspace": 1,
    "Replace": 0,
    "Strip": 1,
    "WordPiece": 2,
}
MODELS = frozenset({None, "BPE", "Unigram", "WordLevel", "WordPiece"})  # None: of the first files
KEPT = ("version", "added_tokens", "normalizer", "pre_tokenizer", "decoder", "model")


class _Step(msgspec.Struct, frozen=True):
    """A step of any kind: what may make a text longer, and what the library cannot survive."""

    type: str
    normalizers: "tuple[_Step, ...]" = ()
    pretokenizers: "tuple[_Step, ...]" = ()
    decoders: "tuple[_Step, ...]" = ()
    pattern: dict[str, str] = {}
    content: str = ""
    prepend: str = ""
    precompiled_charsmap: str | None = None


class _Model(msgspec.Struct, frozen=True):
    """What of a vocabulary decides how long it takes, its words apart."""

    type: str | None = None
    continuing_subword_prefix: str | None = None
    end_of_word_suffix: str | None = None
    max_input_chars_per_word: int | None = None


class _Added(msgspec.Struct, frozen=True):
    content: str


def without_traps(content: bytes) -> tuple[bytes, int]:
    """Return a tokenizer.json that says what was looked at here, each thing once, and no more.

    And how many characters it may make of one, before they become ids.

    What it would do after a text is cut into ids (`truncation`, `padding`, `post_processor`) is
    left out: rows are laid out by the recipe.

    Args:
        content: Of a stranger's file.

    Raises:
        SpecError: The library would run without end, out of memory, or not at all.
        ValueError: It is no JSON, or of another form.
    """
    document = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    kept = {name: document[name] for name in KEPT if name in document}
    for name, raw in kept.items():
        if name != "model" and len(memoryview(raw)) > MOST_PART_BYTES:
            raise SpecError(f"its {name} has more than {MOST_PART_BYTES} bytes: do not use it")
    normalized = _follow(kept, "normalizer", NORMALIZERS)
    cut = _follow(kept, "pre_tokenizer", PRE_TOKENIZERS)
    _follow(kept, "decoder", DECODERS)
    _refuse_growth("normalizer and pre_tokenizer", normalized * cut)
    added = msgspec.json.decode(kept.get("added_tokens", b"[]"), type=list[_Added] | None)
    _refuse_letters([word.content for word in added or ()], normalized)
    if "model" in kept:
        kept["model"] = _model(kept["model"])
    return msgspec.json.encode(kept), normalized * cut


def _follow(kept: dict[str, msgspec.Raw], name: str, known: Mapping[str, int]) -> int:
    """Put what was looked at in the place of a part, and return how much it lets a text grow."""
    if name not in kept:
        return 1
    said = msgspec.json.decode(kept[name])  # of two values with one name the last
    kept[name] = msgspec.Raw(msgspec.json.encode(said))
    growth, repeats = 1, 0
    for count, step in enumerate(_steps(msgspec.convert(said, _Step | None)), start=1):
        if step.type not in known:
            raise SpecError(
                f"its {name} has the step {step.type[:99]!r}, which is not read here: use another "
                "tokenizer"
            )
        growth *= _growth(step, known[step.type])
        repeats += sum(map(given_back, _patterns(step, "Regex")))
        if count > MOST_STEPS or repeats > MOST_GIVEN_BACK:
            raise SpecError(
                f"its {name} has more than {MOST_STEPS} steps, or patterns that repeat too much: "
                "no published tokenizer has such, so do not use it"
            )
        _refuse_growth(name, growth)
    return growth


def _refuse_growth(name: str, growth: int) -> None:
    if growth > MOST_GROWTH:
        raise SpecError(
            f"its {name} may let one character become more than {MOST_GROWTH}: no published "
            "tokenizer does, so do not use it"
        )


def _patterns(step: _Step, kind: str) -> Iterator[str]:
    """Yield the pattern of a step, if it is of this kind."""
    if kind in step.pattern:
        yield step.pattern[kind]


def _growth(step: _Step, fixed: int) -> int:
    """Return how many characters one may become at most."""
    for text in _patterns(step, "String"):
        if not text:
            raise SpecError("its pattern is empty, which is everywhere: use another tokenizer")
    if step.type == "Precompiled":
        return _longest(step.precompiled_charsmap)
    if step.type == "Prepend":
        return 1 + len(step.prepend)
    if step.type == "Replace":
        found = max((len(text) for text in _patterns(step, "String")), default=1)
        return max(1, -(-len(step.content) // found))
    return fixed


def _longest(table: str | None) -> int:
    """Return the length of the longest text in a table of SentencePiece, checked against its size.

    Source: `parse` of the crate spm_precompiled: the length of a trie, the trie, then texts with
    a zero after each.
    """
    try:
        content = b64decode(table or "", validate=True)
    except binascii.Error:
        content = b""
    trie = int.from_bytes(content[:4], "little")
    if not 4 <= trie <= len(content) - 4 or trie % 4:
        raise SpecError("its precompiled_charsmap is cut short or damaged: copy it again")
    return max(1, *(len(text) for text in content[4 + trie :].decode(errors="replace").split("\0")))


def _model(raw: msgspec.Raw) -> msgspec.Raw:
    """Return a vocabulary, each thing said once."""
    if bytes(raw).count(b",") > MOST_ITEMS:  # cheaper than to make them first
        raise SpecError(f"its model has more than {MOST_ITEMS} items: no published tokenizer has")
    document = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    words = memoryview(document.get("vocab", msgspec.Raw(b"[]")))
    if bytes(words[:1]) == b"[":  # searched as a tree; others list their words in an object
        pairs = msgspec.json.decode(words, type=list[tuple[str, float]])
        _refuse_letters([word for word, _ in pairs], 1)
    rest = msgspec.json.encode({key: said for key, said in document.items() if key != "vocab"})
    model = msgspec.json.decode(rest, type=_Model)
    if model.type not in MODELS:
        raise SpecError(f"its model is a {str(model.type)[:99]!r}, which is not read here")
    affixes = (model.continuing_subword_prefix or "", model.end_of_word_suffix or "")
    if max(map(len, affixes)) > MOST_AFFIX or (model.max_input_chars_per_word or 0) > MOST_WORD:
        raise SpecError(
            f"its model looks for words of more than {MOST_WORD} letters, or marks pieces with "
            f"more than {MOST_AFFIX}: no published tokenizer does, so do not use it"
        )
    return msgspec.Raw(msgspec.json.encode(document))


def _refuse_letters(words: list[str], growth: int) -> None:
    """Refuse words of which the library makes a tree that does not fit, or is long to walk."""
    lengths = [len(word) for word in words]
    if max(lengths, default=0) > MOST_WORD or sum(lengths) * growth > MOST_LETTERS:
        raise SpecError(
            f"its words have more than {MOST_WORD} letters, or more than {MOST_LETTERS} together: "
            "no published tokenizer has such, so do not use it"
        )


def _steps(first: _Step | None) -> Iterator[_Step]:
    """Walk a step, or those of a sequence in their order; none is deeper than JSON may be."""
    waiting = [] if first is None else [first]
    while waiting:
        one = waiting.pop()
        if one.type == "Sequence":
            waiting += reversed(one.normalizers + one.pretokenizers + one.decoders)
        else:
            yield one
