import threading
from collections.abc import Iterator
from io import BytesIO
from itertools import chain, count
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from sightline import images
from sightline.embedder import Embedder, Skipped
from sightline.embedder.encoding import LongText
from sightline.errors import CheckpointError, ImageError, TextError
from sightline.spec import Words
from tiny_models import (
    encoded,
    live,
    picture,
    tiny_clip_spec,
    tiny_siglip_spec,
    write_pictures,
)

SAME = 1e-5  # in float32, whatever the batch


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return live(tiny_clip_spec())


@pytest.fixture(scope="module")
def siglip() -> Embedder:
    return live(tiny_siglip_spec())


def test_vectors_are_float32_of_length_one(embedder: Embedder) -> None:
    for vectors in (embedder.embed_images([picture(0)]), embedder.embed_texts(["a cat"])):
        assert vectors.dtype == np.float32
        assert vectors.shape == (1, embedder.spec.embed_dim)
        assert np.linalg.norm(vectors.astype(np.float64)) == pytest.approx(1, abs=1e-6)


def test_nothing_in_gives_no_rows(embedder: Embedder) -> None:
    width = embedder.spec.embed_dim
    assert embedder.embed_images([]).shape == (0, width)
    assert embedder.embed_texts([]).shape == (0, width)
    assert embedder.similarity([], ["a", "b"]).shape == (0, 2)
    assert list(embedder.stream([])) == []


def test_every_kind_of_source_gives_the_same_vector(embedder: Embedder, tmp_path: Path) -> None:
    content = encoded(picture(1))
    path = tmp_path / "one.png"
    path.write_bytes(content)
    image = Image.fromarray(picture(1))
    sources: list[Any] = [str(path), path, content, BytesIO(content), image, picture(1)]
    vectors = embedder.embed_images(sources)
    assert np.abs(vectors - vectors[0]).max() < SAME
    assert all(np.abs(embedder.embed_images(one) - vectors[0]).max() < SAME for one in sources)


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 40])
def test_a_vector_does_not_depend_on_its_neighbours(embedder: Embedder, size: int) -> None:
    alone = embedder.embed_images(picture(7))[0]
    place = size // 2
    pictures = [picture(7) if n == place else picture(100 + n) for n in range(size)]
    assert np.abs(embedder.embed_images(pictures)[place] - alone).max() < SAME


def test_control_other_pictures_have_other_vectors(embedder: Embedder) -> None:
    first, second = embedder.embed_images([picture(7), picture(8)])
    assert np.abs(first - second).max() > 100 * SAME


def test_order_is_kept_over_many_batches(embedder: Embedder, tmp_path: Path) -> None:
    paths = write_pictures(tmp_path, 70)
    found = list(embedder.stream(paths))
    assert [key for key, _ in found] == [str(path) for path in paths]
    for place in (0, 15, 16, 69):
        vector = found[place][1]
        assert isinstance(vector, np.ndarray)
        assert np.abs(vector - embedder.embed_images(paths[place])[0]).max() < SAME


def test_a_bad_picture_is_named_and_never_stops_the_stream(embedder: Embedder) -> None:
    mixed: list[Any] = [("good", picture(1)), ("bad", b"not a picture"), ("also good", picture(2))]
    found = dict(embedder.stream(mixed))
    assert isinstance(found["bad"], Skipped)
    for key, array in (("good", picture(1)), ("also good", picture(2))):
        vector = found[key]
        assert isinstance(vector, np.ndarray)
        assert np.abs(vector - embedder.embed_images(array)[0]).max() < SAME


def test_a_batch_of_bad_pictures_only_is_no_trouble(embedder: Embedder) -> None:
    found = [made for _, made in embedder.stream([b"no"] * 40)]
    assert all(isinstance(made, Skipped) for made in found)
    assert len(found) == 40


def test_a_list_with_a_bad_picture_is_refused_by_name(embedder: Embedder, tmp_path: Path) -> None:
    path = tmp_path / "gone.jpg"
    with pytest.raises(ImageError) as caught:
        embedder.embed_images([picture(0), path])
    assert str(caught.value) == f"{str(path)!r} does not exist: check the path"
    with pytest.raises(ImageError, match=r"^1: a picture of 2 bytes is "):
        embedder.embed_images([picture(0), b"no"])


def test_an_endless_source_is_drawn_as_needed_and_leaves_no_thread(embedder: Embedder) -> None:
    drawn = []

    def endless() -> Iterator[np.ndarray]:
        for number in count():
            drawn.append(number)
            yield picture(number % 3)

    stream = embedder.stream(endless())
    for _ in range(20):
        next(stream)
    assert len(drawn) < 200
    del stream
    assert not [t for t in threading.enumerate() if t.name.startswith("sightline-decode")]


class BrokenTowers:
    """Towers whose vectors have no direction."""

    description = "broken"
    precision = "float32"

    def __init__(self, value: float) -> None:
        self.value = value

    def image(self, pixels: np.ndarray) -> np.ndarray:
        return np.full((len(pixels), 24), self.value, np.float32)

    def text(self, ids: np.ndarray) -> np.ndarray:
        return np.full((len(ids), 24), self.value, np.float32)

    def patches(self, pixels: np.ndarray) -> np.ndarray:
        return np.full((len(pixels), 16, 24), self.value, np.float32)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_vectors_without_a_direction_are_refused(embedder: Embedder, value: float) -> None:
    broken = msgspec.structs.replace(embedder, towers=BrokenTowers(value))
    tail = (
        "a vector without a direction (zero, infinite or NaN): check the model's weights and "
        "precision"
    )
    with pytest.raises(ImageError) as caught:
        broken.embed_images([("mine", picture(0))])
    assert str(caught.value) == f"mine: the image tower gave {tail}"
    with pytest.raises(ImageError) as caught:
        broken.embed_patches(picture(0))
    assert str(caught.value) == f"0: the image tower gave a patch {tail}"
    with pytest.raises(TextError) as refused:
        broken.embed_texts(["a cat"])
    assert str(refused.value) == f"the text tower gave 'a cat' {tail}"


TEXTS = ["a", "a cat", "a photo of a small cat on a red mat by the door", "a cat", "", "two dogs"]


@pytest.mark.parametrize("name", ["embedder", "siglip"])
def test_a_texts_vector_does_not_depend_on_the_others(
    name: str, request: pytest.FixtureRequest
) -> None:
    model: Embedder = request.getfixturevalue(name)
    together = model.embed_texts(TEXTS)
    alone = np.concatenate([model.embed_texts([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < SAME
    assert np.array_equal(together[1], together[3])


@pytest.mark.parametrize("name", ["embedder", "siglip"])
def test_trimming_gives_the_vector_of_the_whole_row(
    name: str, request: pytest.FixtureRequest
) -> None:
    model: Embedder = request.getfixturevalue(name)
    rows = model.words.rows(TEXTS)
    whole = model.towers.text(rows.ids)
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    assert np.abs(model.embed_texts(TEXTS) - whole).max() < SAME


def test_control_where_pads_are_seen_trimming_would_change_the_vector(siglip: Embedder) -> None:
    ids = siglip.words.rows(["a cat"]).ids
    whole, cut = siglip.towers.text(ids), siglip.towers.text(np.ascontiguousarray(ids[:, :4]))
    assert np.abs(whole - cut).max() > 100 * SAME


class CountingTowers(BrokenTowers):
    """Remembers the rows of ids that came."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.widths: list[tuple[int, ...]] = []

    def text(self, ids: np.ndarray) -> np.ndarray:
        self.widths.append(ids.shape)
        return super().text(ids)


def test_equal_texts_are_encoded_once_and_short_ones_as_short_rows(embedder: Embedder) -> None:
    towers = CountingTowers()
    counting = msgspec.structs.replace(embedder, towers=towers)
    long = "one two three four five six seven"
    counting.embed_texts(["cat", long] * 20 + [f"cat {n % 10}" for n in range(30)])
    assert sum(rows for rows, _ in towers.widths) == 2 + 10
    counting.embed_texts(list(chain(*[[f"dog {n}" for n in range(10)], [long], ["cat"]] * 2)))
    assert towers.widths[-1][1] <= 16
    towers.widths.clear()
    counting.embed_texts(["cat"])
    assert towers.widths == [(1, 3)]


def test_one_string_is_a_list_of_one_text(embedder: Embedder) -> None:
    assert np.array_equal(embedder.embed_texts("a cat"), embedder.embed_texts(["a cat"]))


def test_a_template_goes_around_each_text(embedder: Embedder) -> None:
    framed = embedder.embed_texts(["cat"], template="a photo of a {}.")
    assert np.array_equal(framed, embedder.embed_texts(["a photo of a cat."]))


def test_a_long_text_is_refused_unless_it_may_be_cut(embedder: Embedder) -> None:
    long = "cat " * 40
    with pytest.raises(TextError):
        embedder.embed_texts([long])
    assert embedder.embed_texts([long], long="cut").shape == (1, 24)


@pytest.mark.parametrize(("long", "way"), [("raise", "rows"), ("window", "windows")])
def test_ids_of_another_vocabulary_never_reach_the_tower(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch, long: LongText, way: str
) -> None:
    real, known = getattr(Words, way), embedder.spec.text.vocab_size

    def with_another_id(*given: Any, **how: Any) -> Any:
        found = real(*given, **how)
        found.ids[0, 1] = known
        return found

    monkeypatch.setattr(Words, way, with_another_id)
    with pytest.raises(CheckpointError) as caught:
        embedder.embed_texts(["a cat"], long=long)
    assert str(caught.value) == (
        f"the tokenizer gives a text the id {known} and the text tower has {known} rows: give the "
        "model the tokenizer that it was trained with"
    )


def test_the_prompts_of_labels_are_told_once_each(embedder: Embedder) -> None:
    labels = {"cat": ["a cat", "kitten"], "dog": ["a dog", "a cat"]}
    assert embedder.prompts(labels) == ("a cat", "kitten", "a dog")
    assert embedder.prompts(["cat", "dog"], templates="{}!") == ("cat!", "dog!")


def test_patches_lie_in_rows_and_columns_of_unit_vectors(embedder: Embedder) -> None:
    patches = embedder.embed_patches(picture(3))
    assert patches.shape == (4, 4, 24)
    assert np.linalg.norm(patches, axis=2) == pytest.approx(np.ones((4, 4)), abs=1e-6)
    pixels = embedder.spec.pixels.apply(images.read(picture(3)))
    second_row = embedder.towers.patches(pixels[None])[0, 4:8]
    second_row /= np.linalg.norm(second_row, axis=1, keepdims=True)
    assert patches[1] == pytest.approx(second_row, abs=1e-5)


def test_classify_is_scale_times_cosine_through_softmax(embedder: Embedder) -> None:
    answer = embedder.classify([picture(0), picture(1)], ["cat", "dog"], templates="plain")
    cosines = embedder.similarity([picture(0), picture(1)], ["cat", "dog"])
    raised = np.exp(cosines.astype(np.float64) / 0.07)
    assert answer.scores == pytest.approx(raised / raised.sum(axis=1, keepdims=True), abs=1e-5)
    assert answer.labels == ("cat", "dog")


def test_classify_uses_the_models_own_template_unless_told(embedder: Embedder) -> None:
    own = embedder.zero_shot(["cat"]).vectors
    assert np.array_equal(own, embedder.embed_texts(["a photo of a cat."]))


def test_a_sigmoid_model_judges_each_label_by_itself(siglip: Embedder) -> None:
    one = siglip.classify(picture(0), ["cat"]).scores[0, 0]
    two = siglip.classify(picture(0), ["cat", "dog"]).scores[0, 0]
    assert one == pytest.approx(two, abs=1e-6)


def test_describe_is_json(embedder: Embedder) -> None:
    described = msgspec.json.decode(msgspec.json.encode(embedder.describe()))
    assert described["fingerprint"] == "f" * 64
    assert described["precision"] == "float32"
