import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sightline
from ran import Ran


def test_the_table_has_a_column_for_each_text(
    run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    ran = run("similarity", "photo.jpg", "--text", "a cat", "--text", "a dog")
    heading, row = ran.out.splitlines()
    assert heading.split() == ["picture", "a", "cat", "a", "dog"]
    cosines = sightline.load(tiny_model_folder).similarity("photo.jpg", ["a cat", "a dog"])
    assert [float(cell) for cell in row.split()[1:]] == pytest.approx(cosines[0], abs=6e-4)
    assert ran.code == 0
    assert ran.err.startswith("cosines between -1 and 1")


def test_texts_that_do_not_fit_are_numbered(run: Callable[..., Ran]) -> None:
    texts = [f"text {number} that is rather long" for number in range(5)]
    ran = run("similarity", "photo.jpg", *[word for text in texts for word in ("--text", text)])
    lines = ran.out.splitlines()
    assert lines[:2] == [f"(1) {texts[0]}", f"(2) {texts[1]}"]
    assert lines[5].split() == ["picture", "(1)", "(2)", "(3)", "(4)", "(5)"]


def test_json_is_one_object_a_line(run: Callable[..., Ran], tiny_model_folder: Path) -> None:
    ran = run("similarity", "photo.jpg", "gone.jpg", "--text", "a cat", "--json")
    bad, good = map(json.loads, ran.out.splitlines())
    cosine = sightline.load(tiny_model_folder).similarity("photo.jpg", ["a cat"])[0, 0]
    assert good == {"path": "photo.jpg", "scores": {"a cat": pytest.approx(cosine, abs=1e-5)}}
    assert bad == {"path": "gone.jpg", "error": "'gone.jpg' does not exist: check the path"}
    assert ran.code == 3


@pytest.mark.parametrize("how", ["cut", "window"])
def test_a_long_text_is_compared_as_asked_and_said_so(
    run: Callable[..., Ran], tiny_model_folder: Path, how: str
) -> None:
    text = "cat " * 10 + "dog " * 20
    asked = ("similarity", "photo.jpg", "--text", text, "--text", "a cat", "--json")
    said = {
        "cut": "cut: 'cat cat cat cat cat cat cat cat cat cat dog dog dog dog dog …' has more "
        "than the 16 tokens that this model reads, so its end is not seen\n",
        "window": "read in 3 windows: 'cat cat cat cat cat cat cat cat cat cat dog dog dog dog "
        "dog …' has more than the 16 tokens that this model reads at once\n",
    }
    ran = run(*asked, "--long-texts", how)
    assert (ran.code, ran.err) == (0, said[how])
    model = sightline.load(tiny_model_folder)
    texts = model.embed_texts([text, "a cat"], long="cut" if how == "cut" else "window")
    cosines = (model.embed_images("photo.jpg") @ texts.T)[0]
    assert list(json.loads(ran.out)["scores"].values()) == pytest.approx(cosines, abs=1e-5)
    if how == "cut":
        assert run(*asked).out == ran.out  # it is what happens unless asked otherwise


@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_blank_text_is_used_wrongly(run: Callable[..., Ran], blank: str) -> None:
    ran = run("similarity", "photo.jpg", "--text", "a cat", "--text", blank)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1] == (
        "Error: --text is blank: give words to compare the pictures with"
    )


def test_csv_keeps_the_order_of_the_texts(run: Callable[..., Ran]) -> None:
    ran = run("similarity", "photo.jpg", "--text", "b", "--text", "a", "--csv")
    assert [line.split(",")[2] for line in ran.out.splitlines()] == ["label", "b", "a"]
    assert np.isfinite(float(ran.out.splitlines()[1].split(",")[3]))
