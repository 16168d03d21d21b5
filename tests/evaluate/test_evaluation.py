import msgspec
import pytest

from sightline.data import Skipped, Source
from sightline.errors import DataError
from sightline.evaluate import run
from sightline.evaluate.evaluation import dataset_name
from tiny_embedder import RGB, colour_embedder, example, source_of

RED, GREEN, BLUE = RGB.values()


def labelled() -> Source:
    """Three of four are what they are called; the wrong one is outdoors."""
    return source_of(
        example("a", RED, "red", group={"place": "indoors"}),
        example("b", GREEN, "green", group={"place": "indoors"}),
        example("c", BLUE, "blue", group={"place": "outdoors"}),
        example("d", BLUE, "green", group={"place": "outdoors"}),
    )


def captioned() -> Source:
    return source_of(
        example("a", RED, texts=("a red wall", "something red")),
        example("b", GREEN, texts=("a green wall", "a blue wall")),
        example("c", BLUE, texts=("a blue door", "blue, blue, blue")),
    )


def test_a_labelled_source_is_named_from_its_own_labels() -> None:
    result = run(colour_embedder(), labelled())
    assert (result.task, result.dataset) == ("zeroshot_classification", "eval-colours")
    assert result.metrics == {
        "acc1": 0.75,
        "mean_per_class_recall": pytest.approx((1 + 0.5 + 1) / 3),
        "acc1/place": 0.75,
        "acc1/place/indoors": 1.0,
        "acc1/place/outdoors": 0.5,
    }
    assert result.worst == {"place": "outdoors"}
    assert [(each.name, each.recall.value) for each in result.classes] == [
        ("blue", 1.0),
        ("green", 0.5),
        ("red", 1.0),
    ]
    [confusion], [mistake] = result.confusions, result.mistakes
    assert (confusion.label, confusion.taken_for, confusion.count, confusion.of) == (
        ("green", "blue", 1, 2)
    )
    assert (mistake.key, mistake.label, mistake.taken_for) == ("d", "green", "blue")
    assert mistake.margin > 0.9


def test_control_a_model_that_reads_other_words_is_not_right() -> None:
    result = run(colour_embedder(), labelled(), templates="plain", classes=["green", "blue", "red"])
    assert result.metrics["acc1"] == 0.75  # the order of the classes means nothing
    blind = run(colour_embedder(), labelled(), classes={name: ["a wall"] for name in RGB})
    assert blind.metrics["acc1"] == 0.0


def test_a_captioned_source_is_searched_both_ways() -> None:
    result = run(colour_embedder(), captioned())
    assert result.task == "zeroshot_retrieval"
    # captions 0, 1, 2, 4, 5 find their own; caption 3 ("a blue wall" of a green picture) does not
    assert result.metrics["image_retrieval_recall@1"] == pytest.approx(5 / 6)
    # every picture has a caption of its own colour; the blue one's tie with "a blue wall" counts
    # against it only where that caption is not strictly below its best
    assert result.metrics["text_retrieval_recall@1"] == pytest.approx(1.0)
    assert result.counts["image_retrieval_recall@1"] == 6
    assert result.counts["text_retrieval_recall@1"] == 3
    assert "image_retrieval_recall@5" not in result.metrics  # five of three images are all


def test_every_figure_has_an_interval_that_holds_it() -> None:
    for source in (labelled(), captioned()):
        result = run(colour_embedder(), source)
        for name, value in result.metrics.items():
            low, high = result.intervals[name]
            assert 0 <= low <= value <= high <= 1
            assert high - low > 0.1  # three or four images say little


def test_the_identity_says_what_was_asked_of_whom() -> None:
    identity = run(colour_embedder(), labelled(), templates="imagenet7").identity
    assert (identity.fingerprint, identity.runtime) == ("ab" * 32, "a stand-in")
    assert (identity.uri, identity.images) == ("sets/eval-colours.tar.gz", 4)
    assert (identity.protocol.templates, identity.protocol.classes) == ("imagenet7", 3)
    own = run(colour_embedder(), labelled()).identity.protocol
    assert own.templates == "the model's own, 'a photo of a {}.'"
    assert own.templates_digest != identity.protocol.templates_digest
    assert own.classes_from == "labels"


def test_the_identity_holds_in_any_order_and_changes_with_the_content() -> None:
    records = [example("a", RED, "red"), example("b", BLUE, "blue")]
    whole = run(colour_embedder(), source_of(*records)).identity
    assert run(colour_embedder(), source_of(*reversed(records))).identity == whole
    for other in (
        example("c", BLUE, "blue"),
        example("b", GREEN, "blue"),
        example("b", BLUE, "green"),
        example("b", BLUE, "blue", group={"place": "here"}),
    ):
        changed = run(colour_embedder(), source_of(records[0], other)).identity
        assert changed.content_digest != whole.content_digest


def test_what_was_left_out_is_counted_and_named() -> None:
    broken = msgspec.structs.replace(example("broken", RED, "red"), image=b"no picture")
    nameless = example("nameless", RED)
    missing = Skipped(key="missing", kind="no picture", reason="it has no picture")
    result = run(colour_embedder(), source_of(*labelled(), missing, broken, nameless))
    assert (result.skipped, result.identity.images) == (3, 4)
    assert [skip.key for skip in result.skipped_first] == ["missing", "broken", "nameless"]
    assert result.skipped_first[2].reason == "it has no label, in a source of labelled images"
    assert result.metrics["acc1"] == 0.75


def test_captions_that_are_cut_are_counted() -> None:
    long = example("long", RED, texts=("red " * 40,))
    result = run(colour_embedder(), source_of(*captioned(), long))
    assert result.cut == 1


def test_progress_is_told_of_every_image() -> None:
    told: list[int] = []
    run(colour_embedder(), labelled(), on_progress=told.append)
    assert sum(told) == 4


def message(source: Source, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        run(colour_embedder(), source, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_one_class_is_refused() -> None:
    assert message(source_of(example("a", RED, "red"), example("b", BLUE, "red"))) == (
        "eval-colours.tar.gz has one class only, 'red', and any model is right about it: "
        "give a list of classes with others"
    )


def test_a_label_outside_the_classes_is_refused() -> None:
    assert message(labelled(), classes=["red", "blue"]) == (
        "eval-colours.tar.gz has the label 'green', which is not among the 2 classes given: "
        "add it, or leave the list of classes out"
    )


def test_classes_for_captions_are_refused() -> None:
    assert message(captioned(), classes=["red", "blue"]) == (
        "eval-colours.tar.gz has captions and no labels, so a list of classes means nothing "
        "there: leave it out"
    )


def test_one_image_with_captions_is_refused() -> None:
    assert message(source_of(example("a", RED, texts=("red",)))) == (
        "eval-colours.tar.gz has one image only, and any model finds it: give more images"
    )


def test_a_source_of_bad_images_is_refused() -> None:
    broken = msgspec.structs.replace(example("a", RED, "red"), image=b"")
    assert message(source_of(broken)).startswith(
        "eval-colours.tar.gz gave no image that can be read (a: "
    )


@pytest.mark.parametrize(
    ("uri", "want"),
    [
        ("../shared/eval-pacs.tar.gz", "eval-pacs"),
        ("val-{000..004}.tar", "val-{000..004}"),
        ("shelf/", "shelf"),
        ("photos.v2", "photos.v2"),
        ("", "source"),
    ],
)
def test_a_set_is_named_after_its_file(uri: str, want: str) -> None:
    assert dataset_name(uri) == want
