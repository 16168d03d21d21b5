"""The model that comes with the package: small, whole, the same in both engines, and described."""

import re

import numpy as np
import pytest

from code_tree import ROOT
from sightline.checkpoints import Checkpoint, read, verify_digests
from sightline.checkpoints.reading import BUNDLED
from sightline.cli.main import exit_code
from sightline.embedder import load
from sightline.evaluate.result import read_results
from sightline.spec.cost import parameters
from sightline.verify import check

MOST_PARAMETERS = 12_000_000
MOST_BYTES = 25_000_000
# Two engines add the same float32 numbers in another order; half-precision weights are exact in it.
TOLERANCE = 1e-5
PHOTOS = sorted((ROOT / "photos").glob("*.jpg"))


@pytest.fixture(scope="module")
def bundled() -> Checkpoint:
    """Open it as everybody does."""
    return read(None)


def test_it_is_small(bundled: Checkpoint) -> None:
    assert parameters(bundled.spec).total <= MOST_PARAMETERS
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) <= MOST_BYTES


def test_its_tensors_are_those_that_were_written(bundled: Checkpoint) -> None:
    verify_digests(bundled)


def test_it_is_still_itself() -> None:
    found = check()
    assert [note.sentence for note in found.differing + found.unknown] == []


def test_its_graphs_lie_beside_its_weights() -> None:
    assert {"image.onnx", "text.onnx", "patches.onnx"} <= {path.name for path in BUNDLED.iterdir()}


def test_both_engines_give_the_same_vectors() -> None:
    ours, torch = load(runtime="onnxruntime"), load(runtime="torch")
    texts = ["a photo of a cat", "two boats on a lake", ""]
    assert np.abs(ours.embed_images(PHOTOS) - torch.embed_images(PHOTOS)).max() <= TOLERANCE
    assert np.abs(ours.embed_texts(texts) - torch.embed_texts(texts)).max() <= TOLERANCE


def test_control_another_text_has_another_vector() -> None:
    cat, dog = load().embed_texts(["a photo of a cat", "a photo of a dog"])
    assert np.abs(cat - dog).max() > 100 * TOLERANCE


def test_its_card_says_first_that_it_is_not_for_sale(bundled: Checkpoint) -> None:
    card = (BUNDLED / "README.md").read_text(encoding="utf-8")
    matter, _, body = card.removeprefix("---\n").partition("\n---\n")
    assert "non-commercial" in matter
    first = next(line for line in body.splitlines() if line and not line.startswith("#"))
    assert "non-commercial" in first
    assert "non-commercial" in bundled.license


def test_every_figure_of_its_card_is_that_of_its_results(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    code = exit_code(["card", "bundled", "--facts", "recipes/bundled-card.toml", "--check"])
    assert code == 0, capsys.readouterr().out


FIGURES = {  # how the README words a figure → set and metric of the results
    r"(\d+) % of CIFAR-10's": ("eval-cifar10", "acc1"),
    r"(\d+) % of Tiny ImageNet's": ("eval-tinyimagenet", "acc1"),
    r"(\d+) % of PACS' photos": ("eval-pacs", "acc1/domain/photo"),
    r"ten answers (\d+) % of the time": ("eval-flickr8k", "image_retrieval_recall@10"),
    r"takes (\w+) of the ten demo photos for something else": ("demo-photos", "acc1"),
}
NUMBERS = dict(zip(("none", "one", "two", "three", "four", "five", "six"), range(7), strict=True))


@pytest.mark.parametrize("words", FIGURES)
def test_the_readme_s_figures_are_those_of_the_results(words: str) -> None:
    dataset, metric = FIGURES[words]
    results = {each.dataset: each for each in read_results(BUNDLED / "results.json")}
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    found = re.search(words, readme)
    assert found is not None
    wrong = NUMBERS.get(found[1])
    said = int(found[1]) if wrong is None else 100 - 10 * wrong
    assert said == round(100 * results[dataset].metrics[metric])


def test_it_knows_the_demo_photos_that_it_is_shown_to_know() -> None:
    """Not a measurement (the card has those): what `make demo` shows should not fall apart."""
    known = {
        "dog.jpg": "dog",
        "duck.jpg": "duck",
        "hibiscus.jpg": "flower",
        "horses.jpg": "horse",
        "koala.jpg": "koala",
        "polar-bear.jpg": "polar bear",
        "sunset-pier.jpg": "sunset",
    }
    labels = ["cat", "boat", "cup of coffee", *known.values()]
    best = load().classify([ROOT / "photos" / name for name in known], labels).best()
    assert sum(said == meant for said, meant in zip(best, known.values(), strict=True)) >= 6
