"""Texts that no row holds, read in windows: by tiny random models, and by the one that ships."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from code_tree import ROOT
from sightline.embedder import Embedder, load
from sightline.embedder.class_cache import ClassCache
from sightline.embedder.encoding import LongText
from sightline.errors import TextError
from tiny_models import live, picture, tiny_clip_spec, tiny_siglip_spec

SAME = 1e-5  # in float32, whatever the batch
FITTING = [" ".join(["cat", "dog", "red mat"][: 1 + n % 3]) + f" {n}" for n in range(20)]
# Each digit is one id and a row holds 14 or 15: a word of its own window, then one of few ids.
UNEVEN = ("77777777777777", "cat 8")
LONG = ["one two three four five six seven " * 5, " ".join(UNEVEN), "cat " * 15]


@pytest.fixture(scope="module", params=[tiny_clip_spec, tiny_siglip_spec], ids=["clip", "siglip"])
def model(request: pytest.FixtureRequest) -> Embedder:
    """Return a model whose pads are not seen, then one whose pads are."""
    return live(request.param())


def windowed(model: Embedder, texts: list[str]) -> np.ndarray:
    return model.embed_texts(texts, long="window")


def test_a_text_that_fits_keeps_its_vector_to_the_last_bit(model: Embedder) -> None:
    today = model.embed_texts(FITTING)
    assert np.array_equal(windowed(model, FITTING), today)
    mixed = [text for pair in zip(FITTING, LONG * 7, strict=False) for text in pair]
    assert np.array_equal(windowed(model, mixed)[::2], today)


def test_a_long_text_is_the_mean_of_its_windows_by_their_ids(model: Embedder) -> None:
    vectors = model.embed_texts(UNEVEN).astype(np.float64)
    mean = 14 * vectors[0] + 2 * vectors[1]
    [found] = windowed(model, [" ".join(UNEVEN)])
    assert np.abs(found - mean / np.linalg.norm(mean)).max() < SAME
    assert found.dtype == np.float32


def test_control_windows_that_weigh_the_same_give_another_vector(model: Embedder) -> None:
    mean = model.embed_texts(UNEVEN).mean(axis=0)
    [found] = windowed(model, [" ".join(UNEVEN)])
    assert np.abs(found - mean / np.linalg.norm(mean)).max() > 100 * SAME


def test_a_long_texts_vector_does_not_depend_on_the_others(model: Embedder) -> None:
    together = windowed(model, [*LONG, *FITTING, *LONG])
    alone = np.concatenate([windowed(model, [text]) for text in LONG])
    assert np.abs(together[:3] - alone).max() < SAME
    assert np.array_equal(together[:3], together[-3:])
    assert np.linalg.norm(together.astype(np.float64), axis=1) == pytest.approx(np.ones(26))


def test_the_end_is_seen(model: Embedder) -> None:
    texts = ["one two three four five six seven " * 5 + end for end in ("cat", "dog")]
    cat, dog = windowed(model, texts)
    assert np.abs(cat - dog).max() > 100 * SAME


def test_control_the_end_of_a_cut_text_is_not_seen(model: Embedder) -> None:
    texts = ["one two three four five six seven " * 5 + end for end in ("cat", "dog")]
    cat, dog = model.embed_texts(texts, long="cut")
    assert np.array_equal(cat, dog)


def test_a_template_is_filled_before_the_text_is_parted(model: Embedder) -> None:
    framed = model.embed_texts(LONG, template="a photo of a {}.", long="window")
    assert np.array_equal(framed, windowed(model, [f"a photo of a {text}." for text in LONG]))


class SidedTowers:
    """Texts point one way, or the other where they begin with an odd id; rows are counted."""

    description = "a stand-in"
    precision = "float32"

    def __init__(self, length: float = 1.0) -> None:
        self.length = length
        self.rows = 0

    def image(self, pixels: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def text(self, ids: np.ndarray) -> np.ndarray:
        self.rows += len(ids)
        sides = np.where(ids[:, 1] % 2, -self.length, self.length)
        return np.repeat(sides[:, None], 24, axis=1).astype(np.float32)

    def patches(self, pixels: np.ndarray) -> np.ndarray:
        raise NotImplementedError


def with_towers(towers: SidedTowers) -> Embedder:
    return msgspec.structs.replace(live(tiny_clip_spec()), towers=towers)


def test_equal_texts_are_encoded_once() -> None:
    towers = SidedTowers()
    windowed(with_towers(towers), [LONG[0], "cat", LONG[0], LONG[1], "cat"])
    assert towers.rows == 3 + 1 + 2  # 35 ids at 14 a row, one, and 16


@pytest.mark.parametrize(
    ("text", "length", "shown"),
    [
        ("cat " * 40, 0.0, "cat " * 15 + "…"),
        ("cat " * 40, np.nan, "cat " * 15 + "…"),
        # Eight ids each: one window begins with id 272 and the other with 273.
        ("00000000 11111111", 1.0, "00000000 11111111"),
    ],
)
def test_a_long_text_without_a_direction_is_refused(text: str, length: float, shown: str) -> None:
    with pytest.raises(TextError) as caught:
        windowed(with_towers(SidedTowers(length)), ["cat", text] if length == 1 else [text])
    assert str(caught.value) == (
        f"the text tower gave {shown!r} a vector without a direction (zero, infinite or NaN): "
        "check the model's weights and precision"
    )


def test_labels_may_be_long_and_are_kept_apart_from_cut_ones(tmp_path: Path) -> None:
    model = msgspec.structs.replace(live(tiny_clip_spec()), cache=ClassCache(tmp_path))
    wanted = windowed(model, LONG)
    for _ in range(2):  # made, then from the cache
        cut = model.zero_shot({"a": [LONG[0]], "b": [LONG[1]]}, long="cut").vectors
        read = model.zero_shot({"a": [LONG[0]], "b": [LONG[1]]}, long="window").vectors
        assert read == pytest.approx(wanted[:2], abs=1e-6)
        assert np.abs(cut - read).max() > 100 * SAME


@pytest.mark.parametrize("long", ["cut", "window"])
def test_every_question_may_be_long(long: LongText) -> None:
    model, photo = live(tiny_clip_spec()), picture(0)
    [found] = model.similarity([photo], LONG, long=long)
    vectors = model.embed_texts(LONG, long=long)
    assert found == pytest.approx((model.embed_images([photo]) @ vectors.T)[0], abs=1e-6)
    labels = {"a": [LONG[0]], "b": [LONG[1]]}
    answer = model.classify([photo], labels, long=long)
    assert answer.scores == pytest.approx(
        model.zero_shot(labels, long=long).classify(model.embed_images([photo])).scores
    )
    with pytest.raises(TextError, match="text 0 has 35 ids but a row holds 14"):
        model.similarity([photo], LONG)
    with pytest.raises(TextError, match="text 0 has 35 ids but a row holds 14"):
        model.classify([photo], labels)


OFF_TOPIC = (
    "The minutes of our last meeting were read and approved without changes. The treasurer then "
    "said that fees are due in March, and thanked everyone who had paid early. "
)
CAPTIONS = {
    "boats.jpg": "boats on the water",
    "cat.jpg": "a cat looks at the camera",
    "dog.jpg": "a dog is standing on the grass",
    "duck.jpg": "a duck is swimming on the water",
    "hibiscus.jpg": "a red flower in the garden",
    "horses.jpg": "two horses in a field",
    "koala.jpg": "a koala in a tree",
    "polar-bear.jpg": "a polar bear on the ice",
    "sunset-pier.jpg": "the sun sets over the sea",
}


def test_a_photo_finds_its_caption_behind_other_words_in_windows_only() -> None:
    model = load()
    photos = model.embed_images([ROOT / "photos" / name for name in CAPTIONS])
    texts = [OFF_TOPIC + caption for caption in CAPTIONS.values()]
    nearest = (photos @ windowed(model, texts).T).argmax(axis=1)
    assert (nearest == np.arange(len(texts))).sum() >= 6  # 8 of 9 when written
    cut = model.embed_texts(texts, long="cut")
    assert len(np.unique(cut, axis=0)) == 1  # the control: every photo would find any caption


def test_the_bundled_model_reads_whole_words_in_each_window() -> None:
    words = load().words
    windows = words.windows([OFF_TOPIC + "a koala"])
    assert windows.counts.tolist() == [3]
    read = [words.decode(row) for row in windows.ids.tolist()]
    assert " ".join(read) == words.decode(words.encode(OFF_TOPIC + "a koala"))
