import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ran import Ran
from sightline.checkpoints.folder import CANARIES
from tiny_canaries import PARTS, edit_json, guarded


@pytest.fixture
def model(desk: Path) -> Path:
    return guarded(desk / "model")


@pytest.mark.parametrize("columns", [80, 120])
def test_a_whole_model_is_said_to_be_itself(
    run: Callable[..., Ran], model: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    ran = run("models", "check", "model")
    assert (ran.code, ran.err) == (0, "")
    heading, *rows, verdict = ran.out.splitlines()
    assert heading.split() == ["part", "what", "was", "found"]
    assert [row.split("  ")[0] for row in rows if row[0] != " "] == PARTS
    assert "CHANGED" not in ran.out
    assert verdict == "model: this is the model that was written"
    assert max(len(row) for row in rows) <= columns


def test_what_is_wrong_is_named_and_exits_with_one(run: Callable[..., Ran], model: Path) -> None:
    edit_json(model / "sightline.json", "spec.text.activation", "gelu")
    ran = run("models", "check", "model")
    assert ran.code == 1
    assert "text vectors   CHANGED  " in ran.out
    assert ran.out.splitlines()[-1] == (
        "model: this is not the model that was written: text.activation"
    )


def test_json_is_one_object(run: Callable[..., Ran], model: Path) -> None:
    [line] = run("models", "check", "model", "--json").out.splitlines()
    found = json.loads(line)
    assert (found["is_itself"], found["wrong"]) == (True, [])
    edit_json(model / "sightline.json", "spec.pixels.filter", "box")
    ran = run("models", "check", "model", "--json")
    found = json.loads(ran.out)
    assert (ran.code, found["is_itself"], found["wrong"]) == (1, False, ["pixels.filter"])
    assert {note["verdict"] for note in found["notes"]} == {"agrees", "differs"}


def test_where_nothing_says_what_it_was_the_exit_code_is_four(
    run: Callable[..., Ran], model: Path
) -> None:
    (model / CANARIES).unlink()
    ran = run("models", "check", "model")
    assert ran.code == 4
    assert "canaries   ?     there is no canaries.safetensors" in ran.out
    assert ran.out.splitlines()[-1] == (
        "model: it cannot be told whether this is the model that was written"
    )


def test_what_is_no_model_could_not_be_checked(run: Callable[..., Ran]) -> None:
    ran = run("models", "check", "nothing")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("sightline: error: there is no model folder 'nothing', and no ")
