"""Which words of captions are worth learning."""

from hypothesis import given
from hypothesis import strategies as st

from sightline.train.caption_words import LEAST_PICTURES, count_words, words_of


def test_words_are_of_three_letters_or_more_and_in_small_letters() -> None:
    assert words_of(["A Dog, a dog!", "it's Élan"]) == {"dog", "élan"}


def test_a_word_counts_once_a_picture_and_neither_the_rare_nor_the_common_are_kept() -> None:
    often = [["a dog and a dog", "the dog"]] * LEAST_PICTURES
    rarely = [["the cat"]] * (LEAST_PICTURES - 1)
    rest = [["the sea"]] * (2 * LEAST_PICTURES)
    counts = count_words(often + rarely + rest)
    assert counts == {"and": LEAST_PICTURES, "dog": LEAST_PICTURES}  # "sea", "the": most of all


@given(st.lists(st.lists(st.text(max_size=20), max_size=3), max_size=5))
def test_any_text_has_words_or_none(pictures: list[list[str]]) -> None:
    for captions in pictures:
        assert all(len(word) >= 3 for word in words_of(captions))
    assert count_words(pictures) == {}  # too few pictures for any word
