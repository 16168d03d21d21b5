import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from sightline.data.vocabulary import train_vocabulary
from sightline.errors import DataError

CAPTIONS = ["A photo of a cat.", "a photo of two cats", "two dogs &amp; a cat's café", "12 cats"]


def trained(tmp_path: Path, size: int = 300) -> Tokenizer:
    train_vocabulary(CAPTIONS, size, tmp_path / "tokenizer.json")
    return Tokenizer.from_file(str(tmp_path / "tokenizer.json"))


def test_pad_start_and_end_have_the_first_three_ids(tmp_path: Path) -> None:
    tokenizer = trained(tmp_path)
    assert [tokenizer.id_to_token(i) for i in range(3)] == ["<pad>", "<start>", "<end>"]
    assert tokenizer.encode("a cat").ids[0] == 1
    assert tokenizer.encode("a cat").ids[-1] == 2


def test_a_frequent_word_becomes_one_id_and_begins_its_longer_forms(tmp_path: Path) -> None:
    tokenizer = trained(tmp_path, size=400)
    [cat] = tokenizer.encode("cat", add_special_tokens=False).ids
    assert tokenizer.encode("catty", add_special_tokens=False).ids[0] == cat
    assert cat in tokenizer.encode("a photo of a cat.").ids


def test_digits_stay_apart(tmp_path: Path) -> None:
    tokens = trained(tmp_path).encode("12 cats", add_special_tokens=False).tokens
    assert [token for token in tokens if "2" in token] == ["2"]


def test_captions_are_learnt_as_they_will_be_cleaned(tmp_path: Path) -> None:
    words = trained(tmp_path, size=400).get_vocab()
    assert "Ġphoto" in words
    train_vocabulary(["PHOTO PHOTO"], 400, tmp_path / "kept.json", clean="none")
    kept = Tokenizer.from_file(str(tmp_path / "kept.json")).get_vocab()
    assert "ĠPHOTO" in kept


@settings(max_examples=50)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_every_text_comes_back_from_its_ids(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "shared.json"
    if not path.exists():
        train_vocabulary(CAPTIONS, 300, path)
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_same_captions_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    size = train_vocabulary(CAPTIONS, 400, tmp_path / "here.json")
    script = (
        "import sys; from pathlib import Path; from sightline.data.vocabulary import "
        f"train_vocabulary; print(train_vocabulary({CAPTIONS!r}, 400, Path(sys.argv[1])))"
    )
    other = tmp_path / "there.json"
    done = subprocess.run(
        [sys.executable, "-c", script, str(other)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == size
    assert other.read_bytes() == (tmp_path / "here.json").read_bytes()


def test_control_other_captions_give_other_bytes(tmp_path: Path) -> None:
    train_vocabulary(CAPTIONS, 300, tmp_path / "one.json")
    train_vocabulary(CAPTIONS[:2], 300, tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() != (tmp_path / "two.json").read_bytes()


def test_the_size_returned_is_the_size_reached(tmp_path: Path) -> None:
    size = train_vocabulary(CAPTIONS, 5000, tmp_path / "tokenizer.json")
    assert 259 < size < 5000
    assert Tokenizer.from_file(str(tmp_path / "tokenizer.json")).get_vocab_size() == size
    assert train_vocabulary(CAPTIONS, 270, tmp_path / "tokenizer.json") == 270


def test_a_vocabulary_too_small_for_the_bytes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        train_vocabulary(CAPTIONS, 258, tmp_path / "tokenizer.json")
    assert str(caught.value) == (
        "a vocabulary of 258 ids cannot hold every byte: ask for 259 or more"
    )


def test_no_captions_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        train_vocabulary([], 300, tmp_path / "tokenizer.json")
    assert str(caught.value) == (
        "there is no caption to learn a vocabulary from: give at least one"
    )
    assert not (tmp_path / "tokenizer.json").exists()
