import json
from pathlib import Path

import pytest

from sightline.cli.main import exit_code
from sightline.cli.options import model_folder
from sightline.evaluate import read_results
from tiny_embedder import RGB, colour_embedder, colour_folder, png


@pytest.fixture(autouse=True)
def _colour_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.cli.evaluate.opened", lambda model, _: model_folder(model))
    monkeypatch.setattr("sightline.embedder.embedder_of", lambda *_, **__: colour_embedder())


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    colours = {name: RGB[name] for name in RGB} | {"green-wrong": RGB["blue"]}
    return colour_folder(tmp_path / "shelf", colours)


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    lines = []
    for name, rgb in RGB.items():
        (tmp_path / f"{name}.png").write_bytes(png(rgb))
        lines.append(json.dumps({"path": f"{name}.png", "captions": [f"a {name} wall", name]}))
    place = tmp_path / "captions.jsonl"
    place.write_text("\n".join(lines))
    return place


def test_a_table_has_a_row_for_each_set_and_figure(
    shelf: Path, captions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["evaluate", "bundled", str(shelf), str(captions)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "set figure value 95 % interval chance counted on"
    assert lines[1] == "shelf top-1 0.750 0.301 to 0.954 0.333 4 images"
    assert "captions text→image recall@1 1.000 0.439 to 1.000 0.333 6 captions" in lines
    assert "green 0.500 0.095 to 0.905 2" in lines


def test_json_is_one_object_a_line(
    shelf: Path, captions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["evaluate", "m", str(shelf), str(captions), "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["metrics"]["acc1"] == 0.75
    assert second["metrics"]["text_retrieval_recall@1"] == 1.0
    assert (first["model"], first["command"]) == ("m", f"sightline evaluate m {shelf}")


def test_results_go_to_a_file_with_the_command_that_makes_them_again(
    shelf: Path, tmp_path: Path
) -> None:
    out, classes = tmp_path / "results.json", tmp_path / "my classes.txt"
    classes.write_text("red\ngreen\nblue\nyellow\n")
    options = ["--templates", "plain", "--classes", str(classes), "--runtime", "torch"]
    assert exit_code(["evaluate", "bundled", str(shelf), "--out", str(out), *options]) == 0
    [result] = read_results(out)
    assert result.identity.protocol.classes == 4
    assert result.command == (
        f"sightline evaluate bundled {shelf} --classes '{classes}' --templates plain "
        "--runtime torch"
    )


def test_a_skipped_image_is_listed_and_changes_the_exit_code(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shelf / "red" / "broken.png").write_bytes(b"no picture at all")
    assert exit_code(["evaluate", "bundled", str(shelf)]) == 3
    said = capsys.readouterr()
    assert "shelf: examples skipped: 1" in said.err
    assert "broken" in said.err
    assert "0.750" in said.out


def test_many_classes_are_shown_from_both_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = colour_folder(tmp_path / "many", {f"c{i:02}": RGB["red"] for i in range(25)})
    assert exit_code(["evaluate", "bundled", str(folder)]) == 0
    short = capsys.readouterr().out
    assert "best and worst 5 of 25 classes of many" in short
    assert exit_code(["evaluate", "bundled", str(folder), "--every"]) == 0
    assert len(capsys.readouterr().out.splitlines()) - len(short.splitlines()) == 15


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("", "{shelf}"), "MODEL is blank: give a model folder, or 'bundled'"),
        (
            ("bundled", "{shelf}", "--classes", ""),
            "--classes is blank: give a file of names",
        ),
    ],
)
def test_a_blank_path_is_not_the_current_folder(
    shelf: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert exit_code(["evaluate", *(one.format(shelf=shelf) for one in arguments)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"Error: {sentence}"


def test_a_wrong_address_stops_it_before_any_work(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["evaluate", "bundled", str(shelf), str(tmp_path / "none")]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"sightline: error: {tmp_path / 'none'} matches no file: check the path\n"
