import subprocess
import sys
from itertools import islice

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_tokenizer import ODD, reference, reference_without_special_words, texts
from sightline.errors import SpecError, TextError
from sightline.spec import words as words_module
from sightline.spec.byte_pairs import MERGES_DIGEST, BytePairs
from sightline.spec.words import TextRecipe, Words, open_words

CLIP = TextRecipe(
    tokenizer="clip",
    clean="openai",
    context_length=77,
    start_id=49406,
    end_id=49407,
    pad_id=0,
    template="a photo of a {}.",
)
BYTE_PAIRS = BytePairs()
WORDS = Words(CLIP, BYTE_PAIRS)
GOLDEN = {  # openai/CLIP clip/simple_tokenizer.py encode(); printed by open_clip_torch 3.3 too
    "hello world": [3306, 1002],
    "a photo of a cat": [320, 1125, 539, 320, 2368],
    "it's 42% &amp;amp; counting!": [585, 568, 275, 273, 260, 261, 9723, 256],
    "": [],
    " \t\n": [],
}


def changed(**fields: object) -> Words:
    return Words(msgspec.structs.replace(CLIP, **fields), BYTE_PAIRS)


@pytest.mark.parametrize("text", GOLDEN)
def test_encode_gives_openai_s_ids_between_start_and_end(text: str) -> None:
    assert WORDS.encode(text) == [49406, *GOLDEN[text], 49407]


@settings(max_examples=300, deadline=None)
@given(text=texts())
def test_encode_gives_the_reference_s_ids_on_any_text(text: str) -> None:
    expected = reference_without_special_words().encode(text)
    assert WORDS.encode(text)[1:-1] == expected
    assert WORDS.encode(text)[1:-1] == expected  # once more, from what was remembered


@settings(max_examples=50, deadline=None)
@given(captions=st.lists(texts(max_size=40), max_size=4))
def test_cut_rows_are_the_reference_s(captions: list[str]) -> None:
    rows = WORDS.rows(captions, long="cut")
    published = reference_without_special_words()
    expected = published(captions).numpy() if captions else np.zeros((0, 77), np.int64)
    np.testing.assert_array_equal(rows.ids, expected)
    assert rows.cut.tolist() == [len(published.encode(text)) > 75 for text in captions]
    assert rows.lengths.tolist() == [min(len(published.encode(t)), 75) + 2 for t in captions]


def test_ten_kilobytes_of_odd_text_give_the_reference_s_ids() -> None:
    text = " ".join(ODD * 30)
    assert len(text.encode("utf-8", "replace")) > 10_000
    assert WORDS.encode(text)[1:-1] == reference_without_special_words().encode(text)


@pytest.mark.parametrize("word", ["<|startoftext|>", "<|endoftext|>", "<start_of_text>"])
def test_special_words_typed_by_a_user_are_text(word: str) -> None:
    ids = WORDS.encode(f"a cat {word} a dog")
    assert (ids.count(49406), ids.count(49407)) == (1, 1)
    assert WORDS.decode(ids).replace(" ", "") == f"acat{word}adog"


def test_control_in_the_reference_a_user_s_special_word_ends_the_text() -> None:
    row = reference()("a cat <end_of_text> a dog")[0].tolist()
    assert row.count(49407) == 2


@settings(deadline=None)
@given(
    captions=st.lists(st.lists(st.integers(0, 9), max_size=8), max_size=4),
    room=st.integers(1, 4),  # tiny rows: the edge comes up in every run
    start_id=st.sampled_from([None, 49406]),
    end_id=st.sampled_from([None, 1]),
    pad_id=st.sampled_from([0, 1]),
)
def test_rows_are_spelt_out_as_the_recipe_says(
    captions: list[list[int]], room: int, start_id: int | None, end_id: int | None, pad_id: int
) -> None:
    start = [] if start_id is None else [start_id]
    end = [] if end_id is None else [end_id]
    length = room + len(start) + len(end)
    words = changed(context_length=length, start_id=start_id, end_id=end_id, pad_id=pad_id)
    digits = ["".join(map(str, caption)) for caption in captions]  # each digit is one id
    rows = words.rows(digits, long="cut")
    for caption, text, row, cut, real in zip(
        captions, digits, rows.ids.tolist(), rows.cut, rows.lengths, strict=True
    ):
        whole = words.encode(text)
        kept = whole[len(start) : len(whole) - len(end)][:room]
        assert row[:real] == [*start, *kept, *end]
        assert row[real:] == [pad_id] * (length - real)
        assert cut == (len(caption) > room)
    if all(len(caption) <= room for caption in captions):
        np.testing.assert_array_equal(words.rows(digits).ids, rows.ids)


def test_a_long_caption_says_which_one_and_what_to_do() -> None:
    assert not WORDS.rows(["a cat", "7" * 75]).cut.any()
    with pytest.raises(TextError) as caught:
        WORDS.rows(["a cat", "7" * 76])
    assert str(caught.value) == (
        "text 1 has 76 ids but a row holds 75: "
        "shorten it, or embed it with long='cut' or long='window'"
    )


def test_a_cut_caption_keeps_its_end_id() -> None:
    rows = WORDS.rows(["a cat", "7" * 76], long="cut")
    assert rows.cut.tolist() == [False, True]
    assert rows.lengths.tolist() == [4, 77]
    assert rows.ids[1, -2:].tolist() == [278, 49407]


@settings(max_examples=100)
@given(captions=st.lists(texts(max_size=40), max_size=4), room=st.integers(1, 6))
def test_windows_are_rows_that_hold_every_id_in_order(captions: list[str], room: int) -> None:
    words = changed(context_length=room + 2)
    windows = words.windows(captions)
    rows = iter(zip(windows.ids.tolist(), windows.lengths, windows.sizes, strict=True))
    for text, count in zip(captions, windows.counts, strict=True):
        ids: list[int] = []
        for row, length, size in islice(rows, int(count)):
            assert (row[0], row[size + 1], length) == (49406, 49407, size + 2)
            assert row[length:] == [0] * (room + 2 - length)
            ids += row[1 : size + 1]
        assert ids == words.encode(text)[1:-1]
    assert next(rows, None) is None


def test_a_text_that_fits_is_the_row_that_it_always_was() -> None:
    captions = ["a cat", "", "7" * 75]
    windows, rows = WORDS.windows(captions), WORDS.rows(captions)
    assert windows.counts.tolist() == [1, 1, 1]
    np.testing.assert_array_equal(windows.ids, rows.ids)
    np.testing.assert_array_equal(windows.lengths, rows.lengths)


def test_each_window_is_the_row_of_its_own_words() -> None:
    words = changed(context_length=8)
    windows = words.windows(["A dog, a café and 2 cats on the grass!"])  # 12 ids, 6 to a row
    np.testing.assert_array_equal(
        windows.ids, words.rows(["a dog, a café and", "2 cats on the grass!"]).ids
    )


def test_a_text_for_a_list_of_texts_is_refused() -> None:
    with pytest.raises(TextError) as caught:
        WORDS.rows("a cat")
    with pytest.raises(TextError, match=r"^rows were asked of one text: pass a list of texts$"):
        WORDS.windows("a cat")
    assert str(caught.value) == "rows were asked of one text: pass a list of texts"


@pytest.mark.parametrize("clean", ["nfc_lower", "canonical_delete", "lower", "none"])
def test_half_a_character_is_refused_where_cleaning_does_not_mend_it(clean: str) -> None:
    with pytest.raises(TextError) as caught:
        changed(clean=clean).rows(["a cat", "a \ud83d cat"])
    assert str(caught.value) == (
        "text 1 holds half a character (surrogate U+D83D): "
        "remove it or read the text with its right encoding"
    )


def test_half_a_character_is_mended_as_openai_does() -> None:
    assert WORDS.encode("a \ud83d cat") == WORDS.encode("a \ufffd cat")
    assert WORDS.encode("\ud83d\ude00") == WORDS.encode("😀")


def test_a_document_is_refused() -> None:
    with pytest.raises(TextError) as caught:
        WORDS.rows(["a" * 1_000_001])
    assert str(caught.value) == (
        "text 0 has 1000001 characters, more than 1000000: pass a caption, not a document"
    )


def test_nul_and_other_control_characters_are_dropped_or_spelt() -> None:
    assert WORDS.encode("a\x00 cat\x1b") == WORDS.encode("a cat")
    assert changed(clean="none").decode(changed(clean="none").encode("\x00")) == "\x00"


def test_decode_says_what_a_row_holds() -> None:
    rows = WORDS.rows(["A photo of a Café!", ""])
    assert [WORDS.decode(row.tolist()) for row in rows.ids] == ["a photo of a café !", ""]
    assert WORDS.decode([320, 2368]) == "a cat"
    padded = changed(start_id=None, end_id=None, pad_id=1).rows(["a cat"]).ids[0].tolist()
    assert changed(start_id=None, end_id=None, pad_id=1).decode(padded) == "a cat"


def test_decode_refuses_a_foreign_id() -> None:
    with pytest.raises(TextError) as caught:
        WORDS.decode([320, 49408])
    assert str(caught.value) == (
        "id 49408 is not among the tokenizer's 49408: decode ids of this model only"
    )


def test_what_is_remembered_stays_small_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words_module, "_KNOWN_UNITS", 3)
    words = open_words(CLIP)
    for caption in ["a photo of a cat", "two dogs and a bird", "a photo of a cat", "x" * 500]:
        assert words.encode(caption) == WORDS.encode(caption)
        assert len(words._known) <= 3
    assert "x" * 500 not in words._known


def test_words_carry_their_recipe_and_the_merges_digest() -> None:
    assert WORDS.recipe == CLIP
    assert WORDS.digest == MERGES_DIGEST
    assert WORDS.vocabulary_size == 49408


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"end_id": 49408},
            "words.end_id 49408 is not among the tokenizer's 49408 ids: "
            "correct the recipe or bring its own tokenizer",
        ),
        (
            {"tokenizer": "file"},
            "words.tokenizer 'file' means a model folder's tokenizer.json: name it",
        ),
        ({"context_length": 2}, "context_length 2 holds no caption: raise it"),
        ({"template": "a photo"}, "words.template 'a photo' needs exactly one {}: add it"),
    ],
)
def test_a_recipe_that_does_not_hold_together_is_refused(
    fields: dict[str, object], message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        open_words(msgspec.structs.replace(CLIP, **fields))
    assert str(caught.value) == message


def test_importing_and_opening_reads_nothing_heavy() -> None:
    script = (
        "import sys; from sightline.spec.words import TextRecipe, open_words;"
        "words = open_words(TextRecipe(tokenizer='clip', clean='openai', context_length=77,"
        "start_id=49406, end_id=49407, pad_id=0, template='{}'));"
        "print(sorted({'ftfy', 'html', 'tokenizers', 'torch'} & set(sys.modules)));"
        "print(words.encode('a cat'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "[49406, 320, 2368, 49407]"]


def test_the_same_vocabulary_under_another_recipe() -> None:
    shorter = msgspec.structs.replace(CLIP, context_length=8, clean="lower")
    assert WORDS.under(shorter).rows(["A  cat"]).ids.shape == (1, 8)
    assert WORDS.under(shorter).encode("&amp;") != WORDS.encode("&amp;")
    assert WORDS.recipe == CLIP
