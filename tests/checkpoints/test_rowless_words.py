"""A tokenizer with more ids than its tower has rows is refused, unless no text can come to them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from changed_tokenizers import word
from published_models import (
    WORDS,
    write_hugging_face_siglip,
    write_json,
    write_siglip_tokenizer,
)
from sightline.checkpoints import read
from sightline.checkpoints.rowless_words import refuse_rowless_words
from sightline.errors import CheckpointError
from sightline.spec.clean import Cleaning
from sightline.spec.towers import Spec
from tiny_specs import tiny_spec

FIRST = len(WORDS)  # the id that an added word gets


def with_rows(rows: int, clean: Cleaning = "lower", start_id: int | None = None) -> Spec:
    spec = tiny_spec()
    text = msgspec.structs.replace(spec.text, vocab_size=rows, pool="last")
    words = {"tokenizer": "file", "clean": clean, "start_id": start_id, "end_id": 0, "pad_id": 0}
    return msgspec.structs.replace(
        spec, text=text, words=msgspec.structs.replace(spec.words, **words)
    )


def tokenizer(folder: Path, *added: dict[str, Any], **model: Any) -> Path:
    write_siglip_tokenizer(folder)
    path = folder / "tokenizer.json"
    said = json.loads(path.read_text())
    said["added_tokens"] += added
    said["model"] |= model
    write_json(path, said)
    return path


def said_of(word: str, token_id: int, rows: int) -> str:
    return (
        f"tokenizer.json has the word {word!r} with the id {token_id}, and the text tower has "
        f"{rows} rows: give the model the tokenizer that it was trained with"
    )


@pytest.mark.parametrize("kind", ["added", "model"])
def test_a_word_without_a_row_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    path = tokenizer(tmp_path, *([word("zebra", 60)] if kind == "added" else []))
    refuse_rowless_words(path, with_rows(FIRST + 1))  # a control
    rows = FIRST if kind == "added" else FIRST - 1
    with pytest.raises(CheckpointError) as caught:
        refuse_rowless_words(path, with_rows(rows))
    name = "zebra" if kind == "added" else WORDS[-1]
    assert str(caught.value) == f"{tmp_path}/{said_of(name, rows, rows)}"


def test_an_id_far_beyond_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    ids = {"a": 0, "b": 2**32 - 1}
    write_json(path, {"model": {"type": "WordLevel", "vocab": ids, "unk_token": "a"}})
    with pytest.raises(CheckpointError, match="the word 'b' with the id 4294967295"):
        refuse_rowless_words(path, with_rows(9))


@pytest.mark.parametrize("added", [[], [word("<unk>", 7, special=True)]])
def test_what_stands_for_unknown_letters_is_met_by_any_text(
    added: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "tokenizer.json"
    model = {"type": "WordLevel", "vocab": {"a": 0, "<unk>": 7}, "unk_token": "<unk>"}
    write_json(path, {"model": model, "added_tokens": added})
    with pytest.raises(CheckpointError, match="the word '<unk>' with the id 7"):
        refuse_rowless_words(path, with_rows(7, "canonical_delete"))
    refuse_rowless_words(path, with_rows(8, "canonical_delete"))  # a control


def test_words_that_no_text_becomes_need_no_row(tmp_path: Path) -> None:
    path = tokenizer(tmp_path, word("[MASK]", special=True), word("<extra_id_0>"), word("Cat"))
    refuse_rowless_words(path, with_rows(FIRST, "canonical_delete"))
    with pytest.raises(CheckpointError, match="<extra_id_0>"):  # a control: punctuation stays
        refuse_rowless_words(path, with_rows(FIRST, "lower"))
    with pytest.raises(CheckpointError, match=r"\[MASK\]"):  # a control: every row begins with it
        refuse_rowless_words(path, with_rows(FIRST, "canonical_delete", start_id=FIRST))


@pytest.mark.parametrize("name", ["zebra</w>", "##zebra", "▁zebra", "Ã©t"])
def test_a_piece_is_told_by_what_it_is_in_a_text(name: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    ends = {"end_of_word_suffix": "</w>", "continuing_subword_prefix": "##"}
    write_json(path, {"model": {"type": "BPE", "vocab": {"a": 0, name: 1}, **ends}})
    with pytest.raises(CheckpointError, match="with the id 1, and the text tower has 1 rows"):
        refuse_rowless_words(path, with_rows(1, "canonical_delete"))


def test_a_folder_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    write_hugging_face_siglip(tmp_path)  # its tower has 40 rows
    more = [word(f"zebra{number}") for number in range(40 - FIRST)]
    tokenizer(tmp_path, *more)
    assert read(tmp_path).spec.text.vocab_size == 40
    path = tokenizer(tmp_path, *more, word("zebra"))
    with pytest.raises(CheckpointError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{path.parent}/{said_of('zebra', 40, 40)}"
