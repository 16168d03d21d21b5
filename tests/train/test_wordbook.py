"""What is true of a picture, what may be, and how common it is."""

import numpy as np
import pytest

from sightline.errors import DataError
from sightline.train.wordbook import Spoken, Wordbook
from tiny_embedder import example
from tiny_training import part

GREY = (128, 128, 128)
ABOVE_BREEDS = {"dog": ["poodle", "pug"], "animal": ["poodle", "pug", "cat"]}
BREEDS = part("breeds", share=3.0, broader=ABOVE_BREEDS)
PHOTOS = part("photos", "captions", broader={"person": ["man", "girl"], "animal": ["dog"]})


def captions() -> list[tuple[str, ...]]:
    walks: list[tuple[str, ...]] = [("a man and a dog", "the man")] * 10
    return [*walks, *[("a girl",)] * 10, ("a poodle",), *[("nothing",)] * 21]


@pytest.fixture
def book() -> Wordbook:
    labels = {"poodle": 30, "pug": 10, "cat": 20}
    return Wordbook([Spoken(BREEDS, labels, []), Spoken(PHOTOS, {}, captions())])


def test_words_are_counted_with_what_is_above_them(book: Wordbook) -> None:
    assert book.counts == {
        "and": 10,
        "animal": 60 + 10,
        "dog": 40 + 10,
        "girl": 10,
        "man": 10,
        "nothing": 21,
        "person": 20,
        "the": 10,
    }
    assert set(book.names) == book.counts.keys() | {"poodle", "pug", "cat"}


def test_what_is_true_of_a_picture_is_its_label_or_captions_and_what_is_above(
    book: Wordbook,
) -> None:
    poodle = example("a", GREY, "poodle")
    assert book.said_of(BREEDS, poodle) == {"dog", "animal"}
    assert book.true_of(BREEDS, poodle) == {"poodle", "dog", "animal"}
    walk = example("b", GREY, texts=("A Man walks", "a dog runs"))
    assert book.true_of(PHOTOS, walk) == {"man", "person", "dog", "animal"}
    assert book.true_of(PHOTOS, example("c", GREY, texts=("a zebra",))) == set()


def test_a_dog_may_be_a_poodle_and_a_poodle_is_no_pug(book: Wordbook) -> None:
    every = range(len(book.names))

    def not_false(*true: str) -> set[str]:
        mask = book.not_false([set(true)], every)[0]
        return {name for name, is_not in zip(book.names, mask, strict=True) if is_not}

    assert not_false("dog") == {"dog", "poodle", "pug"}
    assert not_false("poodle", "dog", "animal") == {"poodle", "dog", "animal"}
    assert not_false("dog", "animal") == {"dog", "animal", "poodle", "pug"}
    assert not_false() == set()


def test_attention_goes_to_rare_words_and_sums_to_one(book: Wordbook) -> None:
    places = book.places(["dog", "poodle", "cat", "man"])
    shares = book.attention([{"dog", "poodle"}, {"dog", "animal"}, {"girl"}], places)
    at = {book.names[place]: column for column, place in enumerate(places)}
    assert np.allclose(shares.sum(axis=1), [1, 1, 0])
    assert shares[0, at["poodle"]] > shares[0, at["dog"]] > 0
    assert shares[1, at["dog"]] == 1.0  # "animal" is not there


def test_priors_are_the_mean_attention_of_the_mixture(book: Wordbook) -> None:
    """Oracle: each label's and each caption's attention, weighed by the source's share."""
    every = range(len(book.names))
    total = np.zeros(len(book.names))
    for label, count in (("poodle", 30), ("pug", 10), ("cat", 20)):
        true = book.true_of(BREEDS, example("a", GREY, label))
        total += 3.0 * count / 60 * book.attention([true], every)[0]
    for texts in captions():
        true = book.true_of(PHOTOS, example("a", GREY, texts=texts))
        total += book.attention([true], every)[0] / len(captions())
    assert np.allclose(np.exp(book.prior), total / total.sum(), rtol=1e-5)


def test_a_broader_name_of_a_word_that_no_caption_has_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        Wordbook([Spoken(PHOTOS, {}, [("a dog",)] * 30)])
    assert str(caught.value) == (
        "source 'photos' has the broader name 'person' for 'man', which captions of fewer than 10 "
        "pictures hold: take it out of the list"
    )


def test_names_are_one_whatever_their_case() -> None:
    dogs = Spoken(BREEDS, {"poodle": 1, "pug": 1, "cat": 1, "Cardigan": 1}, [])
    garments = Spoken(part("garments"), {"cardigan": 1, "coat": 1}, [])
    book = Wordbook([dogs, garments])
    assert book.names == ("animal", "cardigan", "cat", "coat", "dog", "poodle", "pug")
    assert book.true_of(BREEDS, example("a", GREY, "Cardigan")) == {"cardigan"}


def test_synonyms_leave_what_is_beneath_them_possible() -> None:
    """Each is a broader name of the other, so neither is the narrower one."""
    cars = part("cars", broader={"car": ["automobile"], "automobile": ["coupé"]})
    also = part("also", broader={"automobile": ["car"]})
    book = Wordbook(
        [
            Spoken(cars, {"automobile": 1, "coupé": 1, "bus": 1}, []),
            Spoken(also, {"car": 1, "bus": 1}, []),
        ]
    )
    true = book.true_of(cars, example("a", GREY, "automobile"))
    assert true == {"automobile", "car"}
    [mask] = book.not_false([true], range(len(book.names)))
    not_false = {name for name, is_not in zip(book.names, mask, strict=True) if is_not}
    assert not_false == {"automobile", "car", "coupé"}


def test_no_source_has_no_words() -> None:
    assert Wordbook([]).names == ()
