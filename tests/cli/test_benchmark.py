import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import sightline.measure
from measured import report
from ran import Ran
from sightline.measure import Report

QUICK = ("--runtime", "onnxruntime", "--precision", "float32", "--seconds", "0")


def test_a_model_is_measured_on_pictures_of_ones_own(
    run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    ran = run("benchmark", str(tiny_model_folder), "--images", "photos", *QUICK, "--json")
    [line] = map(json.loads, ran.out.splitlines())
    assert ran.code == 0
    assert line["engine"] == {"runtime": "onnxruntime", "precision": "float32"}
    assert line["fingerprint"] == sightline.load(tiny_model_folder).fingerprint
    assert line["files_per_s"].keys() == line["hours_of_100000_photos"].keys() == {"your pictures"}
    assert line["images_per_s"].keys() == line["texts_per_s"].keys() == {"1", "16"}
    assert line["machine"]["versions"].keys() >= {"onnxruntime"}
    vectors = line["bytes_of_100000_vectors"]
    assert vectors["float32"] == 2 * vectors["float16"] == 400_000 * line["embed_dim"]


def given(monkeypatch: pytest.MonkeyPatch, found: Report) -> list[dict[str, Any]]:
    """Measure nothing; return what was asked for, call by call."""
    asked: list[dict[str, Any]] = []

    def measure(model: object, engines: object, files: object, **others: Any) -> Report:
        asked.append({"model": model, "engines": engines, "files": files} | others)
        return found

    monkeypatch.setattr(sightline.measure, "measure", measure)
    monkeypatch.setattr(sightline.measure, "made_photos", lambda folder: {"made": [folder]})
    return asked


def test_the_table_stands_below_what_was_measured_on(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    [asked] = [given(monkeypatch, report())]
    ran = run("benchmark")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("2 × Abacus 2, Linux, load 0.4; sightline 0.1.0")
    assert "third int8 does not run here: third needs an extra" in ran.out
    [made] = asked
    assert (made["model"], made["seconds"], list(made["files"])) == (None, 20.0, ["made"])
    assert len(made["engines"]) == len(sightline.measure.ENGINES)


def test_a_busy_machine_is_told(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = report()
    busy = msgspec.structs.replace(whole.machine, load=1.6)
    given(monkeypatch, msgspec.structs.replace(whole, machine=busy))
    assert run("benchmark").err == (
        "this machine is busy (load 1.6), so the figures are low: measure again when it rests\n"
    )


def test_an_engine_that_did_not_run_is_a_line_too(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, report())
    lines = [json.loads(line) for line in run("benchmark", "--json").out.splitlines()]
    assert [line["engine"]["runtime"] for line in lines] == ["first", "second", "third"]
    assert lines[2]["reason"] == "third needs an extra"


def test_where_nothing_ran_the_command_could_not(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = report()
    given(monkeypatch, msgspec.structs.replace(whole, engines=whole.engines[2:]))
    ran = run("benchmark")
    assert ran.code == 4
    assert ran.err == "sightline: error: no engine ran: the lines above say why\n"


def test_a_plot_has_each_speed(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, report())
    assert run("benchmark", "--plot", "speeds.svg").code == 0
    drawn = Path("speeds.svg").read_text(encoding="utf-8")
    assert drawn.count("second float32") == 3
    assert "files a second, 640 × 480" in drawn


def test_a_picture_that_is_not_there_is_named(run: Callable[..., Ran]) -> None:
    ran = run("benchmark", "--images", "gone.jpg")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err == "sightline: error: 'gone.jpg' does not exist: check the path\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--plot", "a.png"), "--plot 'a.png' does not end in .svg: give such a name"),
        (("--plot", "no/a.svg"), "folder 'no' does not exist: make it first"),
        (("--images", "bare"), "--images leads to no picture: check the paths"),
        (("--images", "bad"), "skipped: 'bad/a.jpg' is not a picture"),
        (("--runtime", "foo"), "Invalid value for '--runtime'"),
        (("--seconds", "-1"), "Invalid value for '--seconds'"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_measured(
    run: Callable[..., Ran], arguments: tuple[str, ...], said: str
) -> None:
    Path("bare").mkdir()
    Path("bad").mkdir()
    Path("bad/a.jpg").write_text("no picture", encoding="utf-8")
    ran = run("benchmark", *arguments)
    assert ran.code == 2
    assert said in ran.err
