import numpy as np
import pytest

from sightline.data import Example
from sightline.errors import CertificateError
from sightline.verify.seen import PROBES, see
from tiny_embedder import colour_embedder, example, source_of

RED, GREEN = (250, 0, 0), (0, 250, 0)
BROKEN = Example(key="broken", image=b"no picture", texts=("red",))


def test_texts_are_embedded_once_and_labels_in_the_template() -> None:
    seen = see(
        colour_embedder(),
        source_of(
            example("1", RED, "red", texts=("a red one", "red")),
            example("2", GREEN, "green", texts=("a red one",)),
        ),
    )
    assert seen.texts == ("a red one", "red")
    assert seen.text_vectors.shape == (2, 3)
    assert seen.labels == ("green", "red")
    assert seen.prompts.argmax(axis=1).tolist() == [1, 0]


def test_without_labels_captions_stand_in_the_template() -> None:
    seen = see(colour_embedder(), source_of(example("1", RED, texts=("red",))))
    assert (seen.labels, len(seen.prompts)) == ((), 1)


def test_the_same_file_twice_is_one_picture() -> None:
    rows = [example(str(number), RED, "red") for number in range(5)]
    seen = see(colour_embedder(), source_of(*rows, example("6", GREEN, "green")))
    assert (len(seen.images), seen.different) == (6, 2)


def test_what_cannot_be_read_is_named_and_is_no_probe() -> None:
    rows = [example(str(number), (number, 0, 9), "red") for number in range(PROBES + 4)]
    seen = see(colour_embedder(), source_of(BROKEN, *rows))
    assert seen.unread == ("broken",)
    assert seen.different == len(rows)
    assert seen.probes == tuple(one.image for one in rows[:PROBES])


def test_a_source_without_a_readable_picture_is_refused() -> None:
    with pytest.raises(CertificateError) as caught:
        see(colour_embedder(), source_of(BROKEN, name="photos"))
    said = str(caught.value)
    assert said.startswith("photos gave no picture that has a vector (broken: ")
    assert said.endswith("): measure on another source, or mend the model")


def test_texts_in_several_parts_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(example("1", RED, texts=("red", "green", "blue", "a red car", "grey")))
    whole = see(colour_embedder(), source)
    monkeypatch.setattr("sightline.verify.seen.TEXTS_AT_ONCE", 2)
    assert np.array_equal(see(colour_embedder(), source).text_vectors, whole.text_vectors)
