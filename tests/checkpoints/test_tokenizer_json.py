"""The ids of a tokenizer.json are those that the tokenizers library reads from it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tokenizers import Tokenizer

from changed_tokenizers import word
from published_models import write_json
from sightline.checkpoints.json_file import read_understood
from sightline.checkpoints.tokenizer_json import TokenizerJson, all_ids, words_beside
from sightline.errors import CheckpointError

MODEL = {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "u": 5}, "unk_token": "u"}


@pytest.mark.parametrize(
    "added",
    [
        [],
        [word("z", 3)],
        [word("z", 60), word("y", 61)],
        [word("y", 61, special=True), word("z", 60), word("k", 3)],
        [word("u", 5, special=True), word("z", 6)],
        [word("u", 9), word("a", 7), word("z", 8)],
    ],
    ids=lambda added: " ".join(f"{one['content']}={one['id']}" for one in added),
)
def test_ids_are_those_of_the_library(added: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    write_json(path, {"model": MODEL, "added_tokens": added})
    theirs = Tokenizer.from_file(str(path))
    ids = all_ids(read_understood(path, TokenizerJson))
    assert ids == {one: theirs.token_to_id(one) for one in ids}
    assert {one["content"] for one in added} <= ids.keys()


def test_a_list_of_scores_is_in_the_order_of_ids() -> None:
    model = {"type": "Unigram", "vocab": [["x", 0.0], ["y", -1.0]]}
    assert all_ids(msgspec.convert({"model": model}, TokenizerJson)) == {"x": 0, "y": 1}


def test_words_beside_are_found_whichever_key_names_them(tmp_path: Path) -> None:
    write_json(
        tmp_path / "tokenizer_config.json",
        {"unk_token": "a", "added_tokens_decoder": {"3": {"content": "b"}}, "sep_token": None}
        | {"additional_special_tokens": ["c", {"content": "d"}], "do_lower_case": True},
    )
    write_json(tmp_path / "special_tokens_map.json", {"extra_special_tokens": {"x_token": "e"}})
    write_json(tmp_path / "added_tokens.json", {"f": 9})
    found = words_beside(tmp_path)
    assert sorted(found) == list("abcdef")
    assert (found["d"], found["f"]) == ("tokenizer_config.json", "added_tokens.json")


def test_no_words_beside_are_none(tmp_path: Path) -> None:
    assert words_beside(tmp_path) == {}


def test_a_list_where_a_word_belongs_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "special_tokens_map.json", {"mask_token": [1]})
    with pytest.raises(CheckpointError, match=r"special_tokens_map\.json says what is not read"):
        words_beside(tmp_path)
