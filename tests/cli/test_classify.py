import csv
import json
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest

import sightline
from ran import Ran
from sightline.scoring import Class

NOTE = "shares among the labels given, not probabilities that a label is right (no calibration)\n"


def test_the_table_has_a_row_for_each_picture(run: Callable[..., Ran]) -> None:
    ran = run("classify", "photos", "photo.jpg", "--labels", "cat,dog,owl,fox")
    assert (ran.code, ran.err) == (0, NOTE)
    heading, *rows = ran.out.splitlines()
    assert heading.split() == ["picture", "best", "label", "score", "runners-up"]
    assert [row.split()[0] for row in rows] == [
        "photos/0.png",
        "photos/1.png",
        "photos/2.png",
        "photo.jpg",
    ]
    assert all("█" in row and row.count("%") == 3 for row in rows)
    assert "\x1b" not in ran.out


def test_json_is_one_object_a_line_and_equals_the_library(
    run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    ran = run("classify", "photo.jpg", "empty.jpg", "--labels", "cat,dog", "--json")
    good, bad = map(json.loads, ran.out.splitlines())
    answer = sightline.load(tiny_model_folder).classify("photo.jpg", ["cat", "dog"])
    assert good == {"path": "photo.jpg", "scores": pytest.approx(dict(answer.top(2)[0]), abs=1e-5)}
    assert bad == {
        "path": "empty.jpg",
        "error": "'empty.jpg' is empty: get it again from where it came",
    }
    assert (ran.code, ran.err) == (3, "1 of 2 pictures were skipped\n")


def test_csv_has_a_row_for_each_label(run: Callable[..., Ran]) -> None:
    ran = run("classify", "photo.jpg", "empty.jpg", "--labels", "cat,dog", "--csv", "--top", "1")
    heading, first, bad = csv.reader(StringIO(ran.out))
    assert heading == ["path", "rank", "label", "score", "none", "error"]
    assert (first[0], first[1], first[2] in ("cat", "dog")) == ("photo.jpg", "1", True)
    assert bad[0] == "empty.jpg"
    assert bad[5].startswith("'empty.jpg' is empty")


def test_each_bad_file_is_listed_once_with_its_reason(run: Callable[..., Ran]) -> None:
    ran = run("classify", "photo.jpg", "empty.jpg", "gone.jpg", "--labels", "cat,dog")
    assert ran.code == 3
    assert ran.err == (
        "skipped: 'gone.jpg' does not exist: check the path\n"
        "skipped: 'empty.jpg' is empty: get it again from where it came\n"
        f"{NOTE}2 of 3 pictures were skipped\n"
    )


def test_only_bad_files_is_could_not_run(run: Callable[..., Ran]) -> None:
    assert run("classify", "empty.jpg", "--labels", "cat,dog").code == 4


def test_no_pictures_is_said(run: Callable[..., Ran], desk: Path) -> None:
    (desk / "none").mkdir()
    ran = run("classify", "none", "--labels", "cat,dog")
    assert ran.err == "sightline: error: no pictures were found: check the paths\n"
    assert ran.code == 4


@pytest.mark.parametrize("end", ["\n", "\r\n", "\0"])
def test_names_come_from_standard_input(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    names = end.join(["photo.jpg", "photos", ""])
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(names.encode())))
    ran = run("classify", "-", "--labels", "cat,dog", "--json")
    assert [json.loads(line)["path"] for line in ran.out.splitlines()] == [
        "photo.jpg",
        "photos/0.png",
        "photos/1.png",
        "photos/2.png",
    ]


def test_labels_come_from_a_file_or_a_folder(run: Callable[..., Ran], desk: Path) -> None:
    (desk / "labels.txt").write_text("cat = kitten\ndog\n")
    (desk / "sorted" / "wild_boar").mkdir(parents=True)
    (desk / "sorted" / "owl").mkdir()
    for source, names in (("labels.txt", {"cat", "dog"}), ("sorted", {"owl", "wild boar"})):
        ran = run("classify", "photo.jpg", "--labels", source, "--json")
        assert set(json.loads(ran.out)["scores"]) == names


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_labels_are_used_wrongly(run: Callable[..., Ran], blank: str) -> None:
    ran = run("classify", "photo.jpg", "--labels", blank)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1] == (
        "Error: --labels is blank: give names with commas between them, a file or a folder"
    )


def labels_of(ran: Ran) -> set[str]:
    return set(json.loads(ran.out)["scores"])


ALONE = "one label alone always gets the whole share: give others beside it\n"


@pytest.mark.parametrize("labels", ["my_labels", "St. Bernard", "cat,", "cat = kitten"])
def test_one_label_is_allowed_and_said_to_be_one(run: Callable[..., Ran], labels: str) -> None:
    ran = run("classify", "photo.jpg", "--labels", labels, "--json")
    said = f"--labels {labels!r} is no file or folder, so it is the one label\n{ALONE}"
    assert (ran.code, ran.err) == (0, said)


def test_one_label_in_a_file_is_said_to_be_alone(run: Callable[..., Ran], desk: Path) -> None:
    (desk / "labels.txt").write_text("cat\n")
    assert run("classify", "photo.jpg", "--labels", "labels.txt", "--json").err == ALONE


@pytest.mark.parametrize(("name", "kind"), [("animals", "folder"), ("cat,dog", "file")])
def test_what_exists_is_read_as_such_and_said_where_it_could_be_labels(
    run: Callable[..., Ran], desk: Path, name: str, kind: str
) -> None:
    if kind == "file":
        (desk / name).write_text("owl\nfox\n")
    else:
        (desk / name / "owl").mkdir(parents=True)
        (desk / name / "fox").mkdir()
    ran = run("classify", "photo.jpg", "--labels", name, "--json")
    said = f"--labels {name!r} is read as the {kind} of that name, not as a list\n"
    assert (labels_of(ran), ran.err) == ({"owl", "fox"}, said)
    assert run("classify", "photo.jpg", "--labels", f"./{name}x,{name}", "--json").err == ""


def test_a_path_that_cannot_be_labels_is_read_without_a_word(
    run: Callable[..., Ran], desk: Path
) -> None:
    (desk / "animals" / "owl").mkdir(parents=True)
    (desk / "animals" / "fox").mkdir()
    ran = run("classify", "photo.jpg", "--labels", "./animals", "--json")
    assert (labels_of(ran), ran.err) == ({"owl", "fox"}, "")


@pytest.mark.parametrize("path", ["gone.txt", "labs.csv", "gone/animals", "gone\\animals"])
def test_a_label_file_that_is_not_there_is_used_wrongly(run: Callable[..., Ran], path: str) -> None:
    ran = run("classify", "photo.jpg", "--labels", path)
    assert ran.code == 2
    assert ran.err.splitlines()[-1] == f"Error: label file {path!r} does not exist: check the path"


def test_a_wrong_label_file_is_used_wrongly(run: Callable[..., Ran], desk: Path) -> None:
    (desk / "labels.txt").write_text("cat\ncat\n")
    ran = run("classify", "photo.jpg", "--labels", "labels.txt")
    assert (ran.code, ran.err) == (
        2,
        "sightline: error: label file labels.txt, line 2: label 'cat' was given on line 1: "
        "give each label once\n",
    )


def test_templates_change_the_scores(run: Callable[..., Ran], tiny_model_folder: Path) -> None:
    ran = run("classify", "photo.jpg", "--labels", "cat,dog", "--template", "{}!", "--json")
    model = sightline.load(tiny_model_folder)
    wanted = dict(model.classify("photo.jpg", ["cat", "dog"], templates=["{}!"]).top(2)[0])
    assert json.loads(ran.out)["scores"] == pytest.approx(wanted, abs=1e-5)
    named = run(
        "classify", "photo.jpg", "--labels", "cat,dog", "--templates", "imagenet7", "--json"
    )
    assert json.loads(named.out)["scores"] != pytest.approx(wanted, abs=1e-4)


def test_aliases_may_stand_in_the_list(run: Callable[..., Ran], tiny_model_folder: Path) -> None:
    ran = run("classify", "photo.jpg", "--labels", "cat = kitten | tabby, dog", "--json")
    model = sightline.load(tiny_model_folder)
    classes = [Class("cat", aliases=("kitten", "tabby")), Class("dog")]
    wanted = dict(model.classify("photo.jpg", classes).top(2)[0])
    assert json.loads(ran.out)["scores"] == pytest.approx(wanted, abs=1e-5)


def test_a_long_label_is_cut_and_said_so(run: Callable[..., Ran]) -> None:
    label = "cat " * 30
    ran = run("classify", "photo.jpg", "--labels", f"{label},dog", "--json")
    assert ran.code == 0
    assert ran.err == (
        "cut: 'a photo of a cat cat cat cat cat cat cat cat cat cat cat cat…' has more than the 16 "
        "tokens that this model reads, so its end is not seen\n"
    )


def test_a_long_label_is_read_in_windows_and_said_so(
    run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    label = " ".join(["cat"] * 30)
    asked = ("classify", "photo.jpg", "--labels", f"{label},dog", "--json")
    ran = run(*asked, "--long-texts", "window")
    assert ran.code == 0
    assert ran.err == (
        "read in 3 windows: 'a photo of a cat cat cat cat cat cat cat cat cat cat cat cat…' has "
        "more than the 16 tokens that this model reads at once\n"
    )
    model = sightline.load(tiny_model_folder)
    head = model.zero_shot([label, "dog"], long="window")
    wanted = dict(head.classify(model.embed_images("photo.jpg")).top(2)[0])
    assert json.loads(ran.out)["scores"] == pytest.approx(wanted, abs=1e-5)
    assert json.loads(run(*asked).out)["scores"] != pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--long-texts", "whole"], "'whole' is not one of 'cut', 'window'"),
        (["--json", "--csv"], "--json and --csv exclude each other: give one"),
        (
            ["--template", "a {}", "--templates", "plain"],
            "--template and --templates exclude each other: give one",
        ),
        (["--top", "0"], "Invalid value for '--top'"),
    ],
)
def test_options_that_exclude_each_other_are_used_wrongly(
    run: Callable[..., Ran], arguments: list[str], sentence: str
) -> None:
    ran = run("classify", "photo.jpg", "--labels", "cat,dog", *arguments)
    assert ran.code == 2
    assert sentence in ran.err


@pytest.mark.parametrize(
    "verb",
    [
        ("classify", "photo.jpg", "--labels", "cat,dog"),
        ("similarity", "photo.jpg", "--text", "a cat"),
        ("embed", "photo.jpg", "--out", "v.npy"),
    ],
    ids=lambda verb: verb[0],
)
def test_the_bundled_model_has_a_name_and_a_blank_one_is_refused(
    run: Callable[..., Ran],
    tiny_model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: tuple[str, ...],
) -> None:
    monkeypatch.setenv("SIGHTLINE_MODEL", "gone")
    monkeypatch.setattr("sightline.checkpoints.reading.BUNDLED", tiny_model_folder)
    assert run(*verb).code == 4  # the control: what the environment names is not there
    assert run(*verb, "--model", "bundled").code == 0
    ran = run(*verb, "--model", " ")
    assert ran.code == 2
    assert ran.err.splitlines()[-1] == ("Error: MODEL is blank: give a model folder, or 'bundled'")


def test_a_folder_that_is_no_model_is_one_sentence(run: Callable[..., Ran]) -> None:
    ran = run("classify", "photo.jpg", "--labels", "cat,dog", "--model", "photos")
    assert ran.code == 4
    assert ran.err == (
        "sightline: error: photos has no sightline.json, nor record and weights of another "
        "library, so it is no model folder: check the path\n"
    )


def test_a_cache_that_cannot_be_written_to_breaks_nothing(
    run: Callable[..., Ran], desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", str(desk / "photo.jpg" / "below"))
    assert run("classify", "photo.jpg", "--labels", "cat,dog").code == 0
