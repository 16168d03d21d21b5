"""A tokenizer.json that is none, or that its library stops at: one sentence."""

import json
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from bounded_tokenizers import followed
from sightline.errors import SpecError, TextError
from sightline.spec.tokenizer_file import MAX_BYTES
from sightline.spec.words import TextRecipe, open_words

RECIPE = TextRecipe(
    tokenizer="file",
    clean="none",
    context_length=16,
    start_id=None,
    end_id=None,
    pad_id=0,
    template="{}",
)
LIBRARY = "Cannot instantiate Tokenizer from buffer: "


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"{}", f"{LIBRARY}Model missing. at line 1 column 2"),
        (b"\x80\x04", "JSON is malformed: invalid character (byte 0)"),
        (b'{"normalizer": [[]]}', "Expected `object | null`, got `array`"),
        (b'{"normalizer": {"type": 3}}', "Expected `str`, got `int` - at `$.type`"),
        (
            b'{"normalizer": ' + b'{"type": "Sequence", "normalizers": [' * 10**5,
            "maximum recursion depth exceeded while deserializing an object",
        ),
        (
            b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "z"]]}}',
            f"{LIBRARY}Token `z` out of vocabulary at line 1 column 63",
        ),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        open_words(RECIPE, tmp_path)
    assert str(caught.value) == (
        f"{path} is not a tokenizer.json ({reason}): copy it from the model again"
    )


def refusal(folder: Path) -> str:
    with pytest.raises(SpecError) as caught:
        open_words(RECIPE, folder)
    return str(caught.value)


def test_a_missing_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        f"the tokenizer {tmp_path / 'tokenizer.json'} cannot be read (No such file or directory): "
        "check that it is there and readable"
    )


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tokenizer.json")
    assert refusal(tmp_path).startswith(
        f"the tokenizer {tmp_path / 'tokenizer.json'} is no regular file but a folder, pipe"
    )


def test_a_file_longer_than_any_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.touch()
    os.truncate(path, MAX_BYTES + 1)
    assert refusal(tmp_path) == (
        f"the tokenizer {path} has {MAX_BYTES + 1} bytes, more than {MAX_BYTES}: refused"
    )


def stopping() -> dict[str, Any]:
    """Return files at which the library stops, twice in a panic: opening, or meeting a letter."""
    vocabulary = {letter: place for place, letter in enumerate("abx")}
    model = {"type": "BPE", "vocab": vocabulary, "merges": [["a", "b"]]}
    table = b64encode((4).to_bytes(4, "little") + bytes(4)).decode()
    step = {"type": "Precompiled", "precompiled_charsmap": table}
    return {
        "opened": {"model": model | {"continuing_subword_prefix": "éé"}},
        "followed": {"model": model, "normalizer": step},
        "lost": {"model": {"type": "Unigram", "unk_id": None, "vocab": [["a", 0.0]]}},
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("opened", "range end index "),
        ("followed", "range end index 2 out of range for slice of length 1"),
        ("lost", "Encountered an unknown token"),
    ],
)
def test_what_stops_the_library_is_a_sentence(name: str, reason: str, tmp_path: Path) -> None:
    said = followed(tmp_path, {name: stopping()[name]})[name]
    path = tmp_path / name / "tokenizer.json"
    assert said.startswith(
        f"SpecError: {path} cannot be followed, the tokenizers library stops ({reason}"
    )
    assert said.endswith("): copy it again, or use another tokenizer")


def test_a_text_is_as_long_as_what_it_may_become_has_room(tmp_path: Path) -> None:
    vocabulary = {"[UNK]": 0, "b": 1}
    model: dict[str, Any] = {"type": "WordPiece", "vocab": vocabulary, "unk_token": "[UNK]"}
    model |= {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
    step = {"type": "Replace", "pattern": {"String": "a"}, "content": " b" * 125}
    parts = {"normalizer": step, "pre_tokenizer": {"type": "Whitespace"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": model} | parts))
    words = open_words(RECIPE, tmp_path)
    assert len(words.encode("a" * 100)) == 12_500
    with pytest.raises(TextError) as caught:
        words.encode("!" * 70_000)
    assert str(caught.value) == (
        f"a text has 70000 characters, of which {tmp_path / 'tokenizer.json'} could make more than "
        "16777216: pass a caption, not a document"
    )
