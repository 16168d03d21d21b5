import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from reference_tokenizer import reference, reference_without_special_words, texts
from sightline.data.vocabulary import train_vocabulary
from sightline.errors import SpecError, TextError
from sightline.spec.byte_pairs import BytePairs
from sightline.spec.words import TextRecipe, Words, open_words

PIECES = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
CAPTION = "a cat <start> two cats <end> <pad> !"


def recipe(**fields: Any) -> TextRecipe:
    return TextRecipe(
        **{
            "tokenizer": "file",
            "clean": "openai",
            "context_length": 16,
            "start_id": 1,
            "end_id": 2,
            "pad_id": 0,
            "template": "{}",
            **fields,
        }
    )


def small_tokenizer() -> Tokenizer:
    """Spell every byte as itself, ids 3 to 258, behind the three marks."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {word: i for i, word in enumerate(["<pad>", "<start>", "<end>", *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<pad>", "<start>", "<end>"])
    return tokenizer


def opened(tokenizer: Tokenizer, folder: Path, **fields: Any) -> Words:
    tokenizer.save(str(folder / "tokenizer.json"))
    return open_words(recipe(**fields), folder)


def spelt(text: str) -> list[int]:
    vocabulary = small_tokenizer().get_vocab()
    return [vocabulary["Ġ" if letter == " " else letter] for letter in text]


def test_start_and_end_come_from_the_recipe(tmp_path: Path) -> None:
    words = opened(small_tokenizer(), tmp_path)
    assert words.encode("A cat") == [1, *spelt("a cat"), 2]
    bare = opened(small_tokenizer(), tmp_path, start_id=None)
    assert bare.encode("A cat") == [*spelt("a cat"), 2]


def test_special_words_in_a_text_are_text(tmp_path: Path) -> None:
    words = opened(small_tokenizer(), tmp_path)
    assert words.encode(CAPTION) == [1, *spelt(CAPTION), 2]
    assert words.decode(words.encode(CAPTION)) == CAPTION


def test_control_the_library_by_itself_lets_a_text_end_itself() -> None:
    assert {0, 1, 2} <= set(small_tokenizer().encode(CAPTION).ids)


def test_marks_that_the_file_lists_as_ordinary_words_are_text_too(tmp_path: Path) -> None:
    content = json.loads(small_tokenizer().to_str())
    for added in content["added_tokens"]:
        added["special"] = False
    words = opened(Tokenizer.from_str(json.dumps(content)), tmp_path)
    assert words.encode(CAPTION) == [1, *spelt(CAPTION), 2]


def test_ordinary_added_words_stay_words(tmp_path: Path) -> None:
    tokenizer = small_tokenizer()
    tokenizer.add_tokens([AddedToken("two cats", normalized=False)])
    assert 259 in opened(tokenizer, tmp_path).encode("two cats")


def test_a_pad_id_that_is_an_ordinary_letter_stays_one(tmp_path: Path) -> None:
    [exclamation] = spelt("!")
    words = opened(small_tokenizer(), tmp_path, pad_id=exclamation)
    assert words.encode("oh!") == [1, *spelt("oh!"), 2]


def test_a_mark_the_model_itself_would_read_is_refused(tmp_path: Path) -> None:
    vocabulary = {"<pad>": 0, "<start>": 1, "<end>": 2, "cat": 3, "<unk>": 4}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words = opened(tokenizer, tmp_path)
    assert words.encode("cat cat") == [1, 3, 3, 2]
    with pytest.raises(TextError) as caught:
        words.rows(["cat", "cat <end> cat"])
    assert str(caught.value) == (
        "text 1 holds a word that the tokenizer only reads as its mark with id 2: take it out"
    )


def test_truncation_padding_and_dropout_of_the_file_are_left_aside(tmp_path: Path) -> None:
    tokenizer = small_tokenizer()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=9)
    tokenizer.model.dropout = 0.9
    words = opened(tokenizer, tmp_path)
    assert words.encode("a cat") == [1, *spelt("a cat"), 2]
    assert words._tokenizer._tokenizer.model.dropout is None  # type: ignore[attr-defined]
    rows = words.rows(["a cat", "a longer caption"], long="cut")
    assert rows.ids.shape == (2, 16)
    assert rows.ids[0].tolist() == [1, *spelt("a cat"), 2, *[0] * 9]
    assert rows.cut.tolist() == [False, True]


def test_a_text_of_a_foreign_vocabulary_may_be_parted_anywhere(tmp_path: Path) -> None:
    windows = opened(small_tokenizer(), tmp_path).windows(["a longer caption"])
    ids = spelt("a longer caption")
    assert [row[:10] for row in windows.ids.tolist()] == [[1, *ids[:8], 2], [1, *ids[8:], 2]]


def test_the_digest_is_the_files(tmp_path: Path) -> None:
    words = opened(small_tokenizer(), tmp_path)
    content = (tmp_path / "tokenizer.json").read_bytes()
    assert words.digest == hashlib.sha256(content).hexdigest()
    assert words.vocabulary_size == 259


def test_clips_vocabulary_as_a_file_gives_clips_ids(tmp_path: Path) -> None:
    """The same ids by another implementation: transformers' CLIPTokenizer, cleaned by ftfy."""
    published = reference()
    merges = sorted(published.bpe_ranks, key=published.bpe_ranks.__getitem__)
    tokenizer = Tokenizer(models.BPE(published.encoder, merges, end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(PIECES, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    fields = {"start_id": 49406, "end_id": 49407, "context_length": 77}
    words = opened(tokenizer, tmp_path, **fields)
    captions = ["It's 42% &amp;amp; counting!", "2 cafés 中文 ½👍 <|endoftext|>", ""]
    expected = reference_without_special_words()(captions).numpy()
    np.testing.assert_array_equal(words.rows(captions).ids, expected)
    assert words.encode("hello world")[1:-1] == BytePairs().ids("hello world")


def test_an_id_that_the_file_lacks_is_refused(tmp_path: Path) -> None:
    small_tokenizer().save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(SpecError) as caught:
        open_words(recipe(end_id=259), tmp_path)
    assert str(caught.value) == (
        "words.end_id 259 is not among the tokenizer's 259 ids: "
        "correct the recipe or bring its own tokenizer"
    )


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Words:
    folder = tmp_path_factory.mktemp("ours")
    captions = ["two dogs run on the grass, it's 42% wet!"] * 5
    train_vocabulary(captions, 400, folder / "tokenizer.json")
    return open_words(recipe(context_length=77, clean="none"), folder)


def whole(words: Words, text: str) -> list[int]:
    """Oracle: the library's ids of the text in one."""
    return [1, *words._tokenizer.ids(text), 2]


@given(text=texts())
def test_words_of_our_own_vocabularies_have_the_ids_that_they_have_in_company(
    ours: Words, text: str
) -> None:
    sound = text.encode("utf-8", "ignore").decode()  # halves of characters are refused elsewhere
    for said in (sound, " ".join(sound.split()), f"it's {sound} 's"):
        assert ours.encode(said) == whole(ours, said)


def test_our_own_vocabularies_are_cut_at_spaces_and_others_nowhere(
    ours: Words, tmp_path: Path
) -> None:
    assert ours._tokenizer.units("two dogs") == ["two", "dogs"]
    assert ours._tokenizer.units("two  dogs") == ["two  dogs"]
    assert ours._tokenizer.units(" two") == [" two"]
    assert opened(small_tokenizer(), tmp_path)._tokenizer.units("two dogs") == ["two dogs"]
    train_vocabulary(["two dogs"], 400, tmp_path / "tokenizer.json")
    joined = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    joined.add_tokens([AddedToken("two dogs", normalized=False)])
    assert opened(joined, tmp_path)._tokenizer.units("two dogs") == ["two dogs"]


def test_control_a_vocabulary_of_another_make_that_were_cut_gives_other_ids(
    tmp_path: Path,
) -> None:
    words = opened(small_tokenizer(), tmp_path, clean="none")
    apart = [token_id for word in ("two", "dogs") for token_id in words._tokenizer.ids(word)]
    assert [1, *apart, 2] != whole(words, "two dogs")
