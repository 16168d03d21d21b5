import pytest

from sightline.verify.rightness import captioned, retrieval, zero_shot
from sightline.verify.seen import Seen, see
from tiny_embedder import RGB, ColourTowers, colour_embedder, example, source_of


class Blind(ColourTowers):
    """Sees red only."""

    def image(self, pixels: object) -> object:  # type: ignore[override]
        """Return red for every picture."""
        made = super().image(pixels)  # type: ignore[arg-type]
        made[:] = (1, 0, 0)
        return made


LABELLED = [example(name, rgb, name) for name, rgb in RGB.items()]
CAPTIONED = [
    example(name, rgb, texts=(f"{name}", f"a {name} {name} car")) for name, rgb in RGB.items()
]


def both(*examples: object) -> tuple[Seen, Seen]:
    """Return what a model that sees and one that does not make of examples."""
    source = source_of(*examples)  # type: ignore[arg-type]
    return see(colour_embedder(), source), see(colour_embedder(towers=Blind()), source)


def test_a_loss_of_accuracy_is_measured() -> None:
    found = zero_shot(*both(*LABELLED))
    assert found is not None
    assert (found.accuracy.before, found.accuracy.queries) == (100.0, 3)
    assert found.accuracy.points == pytest.approx(-200 / 3)
    assert found.agreement == pytest.approx(1 / 3)


def test_pictures_without_a_label_are_left_out() -> None:
    found = zero_shot(*both(*LABELLED, example("x", RGB["red"], texts=("something",))))
    assert found is not None
    assert found.accuracy.queries == 3


def test_one_class_alone_says_nothing() -> None:
    assert zero_shot(*both(LABELLED[0])) is None


def test_a_loss_of_recall_is_measured_both_ways() -> None:
    found = retrieval(*both(*CAPTIONED))
    assert found is not None
    assert (found.image_to_text.at_1.before, found.image_to_text.at_1.queries) == (100.0, 3)
    assert found.image_to_text.at_1.points == pytest.approx(-200 / 3)
    assert (found.text_to_image.at_1.before, found.text_to_image.at_1.queries) == (100.0, 6)
    assert found.text_to_image.at_1.points == -100.0  # all are equally near: a tie is no answer
    assert (found.text_to_image.at_5, found.text_to_image.at_10) == (None, None)


def test_a_label_alone_is_no_caption() -> None:
    mixed = example("m", RGB["red"], "red", texts=("red", "a red car"))
    examples = see(colour_embedder(), source_of(*LABELLED, mixed)).examples
    assert captioned(examples) == [(3, ("red", "a red car"))]
    assert retrieval(*both(*LABELLED, mixed)) is None


def test_captions_belong_to_their_own_pictures_among_labelled_ones() -> None:
    found = retrieval(*both(LABELLED[2], *CAPTIONED))
    assert found is not None
    assert found.image_to_text.at_1.before == 100.0
