"""The report of a run: readable, whole, and without a request to anywhere."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from sightline.data import open_source
from sightline.train import pretrain
from sightline.train.samples import show_samples
from tiny_embedder import RGB, colour_embedder, example, source_of
from tiny_training import tiny_recipe, write_sets


def nothing(examples: int, losses: Mapping[str, float]) -> None:
    """Watch nothing."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("report")
    write_sets(folder / "sets")
    uris = [str(folder / "sets" / name) for name in ("held-out.tar", "captioned.tar")]
    recipe = tiny_recipe(
        folder / "sets", name="<b>", evaluation={"every": 3, "uris": uris}, license="CC0-1.0"
    )
    trained = pretrain(recipe, folder / "run", watch=nothing, measure=lambda *_: {"set/top": 0.5})
    return trained.report.read_text()


def test_it_has_every_part(page: str) -> None:
    for title in (
        "loss (nats): text",
        "loss (nats): image",
        "loss (nats): both",
        "measured on set",
        "learning rate",
        "scale",
        "examples a second",
        "held-out.tar",
        "captioned.tar",
        "Skipped inputs",
        "CC0-1.0",
    ):
        assert title in page, title
    assert page.count('<div class="sample">') == 16


def test_it_asks_for_nothing_from_outside(page: str) -> None:
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?!data:)\w+:", page)
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_names_are_written_as_text(page: str) -> None:
    assert "<h1>Training of &lt;b&gt;</h1>" in page


def test_samples_say_what_the_model_sees() -> None:
    source = source_of(
        *(example(f"{name}-{n}", rgb, name) for name, rgb in RGB.items() for n in "ab")
    )
    samples = show_samples(colour_embedder(), source)
    assert [sample.truth for sample in samples] == ["red", "red", "green", "green", "blue", "blue"]
    assert all(sample.is_right and sample.guesses[0][0] == sample.truth for sample in samples)
    assert all(sum(share for _, share in s.guesses) == pytest.approx(1.0) for s in samples)


def test_control_a_wrong_label_is_marked() -> None:
    source = source_of(example("a", RGB["red"], "green"), example("b", RGB["blue"], "blue"))
    assert [sample.is_right for sample in show_samples(colour_embedder(), source)] == [False, True]


def test_captions_are_chosen_by_their_cosine() -> None:
    source = source_of(
        example("a", RGB["red"], texts=("a red wall",)),
        example("b", RGB["green"], texts=("something green", "grass")),
    )
    samples = show_samples(colour_embedder(), source)
    assert [sample.guesses[0][0] for sample in samples] == ["a red wall", "something green"]
    assert all(sample.is_right for sample in samples)


def test_a_picture_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "red").mkdir()
    (tmp_path / "red" / "a.png").write_bytes(b"no picture")
    assert show_samples(colour_embedder(), open_source(tmp_path)) == []
