"""`sightline train` at the terminal: what it prints, and with which code it ends."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ran import Ran
from sightline.cli.progress import Progress
from tiny_training import recipe_tree, write_recipe, write_sets


@pytest.fixture
def recipe(desk: Path) -> Path:
    write_sets(desk / "sets")
    plan = {"every": 100, "uris": ["sets/held-out.tar"]}
    return write_recipe(desk / "tiny.toml", recipe_tree(Path("sets"), evaluation=plan))


def test_a_run_ends_by_naming_its_model_and_its_report(
    run: Callable[..., Ran], desk: Path, recipe: Path
) -> None:
    assert run("train", "tiny.toml", "seed=3") == Ran(
        0, "model: runs/tiny/model\nreport: runs/tiny/report.html\n", ""
    )
    page = (desk / "runs" / "tiny" / "report.html").read_text()
    assert '"seed": 3' in page.replace("&quot;", '"')
    assert (
        run("classify", "photo.jpg", "--labels", "red,blue", "--model", "runs/tiny/model").code == 0
    )
    assert run("models", "check", "runs/tiny/model").code == 0


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: int, times: int = 1) -> None:
    """Press Ctrl-C in the middle of what the command does after a step."""
    seen: list[int] = []
    advance = Progress.advance

    def pressed(self: Progress, count: int = 1, note: str = "") -> None:
        advance(self, count, note)
        seen.append(count)
        if len(seen) == step:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Progress, "advance", pressed)


def test_ctrl_c_saves_the_state_and_says_how_to_go_on(
    run: Callable[..., Ran], recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        ran = run("train", "tiny.toml", "seed=3", "--out", "mine")
    assert ran == Ran(
        130,
        "",
        "stopping after this step; once more Ctrl-C stops at once\n"
        "interrupted after step 6 of 12, the state is saved; go on with: sightline train tiny.toml "
        "seed=3 --out mine --resume\n",
    )
    assert signal.getsignal(signal.SIGINT) is before
    assert run("train", "tiny.toml", "seed=3", "--out", "mine", "--resume").code == 0


def test_ctrl_c_twice_stops_at_once(
    run: Callable[..., Ran], recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5, times=2)
        ran = run("train", "tiny.toml", "--out", "mine")
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.endswith("sightline: interrupted\n")
    assert run("train", "tiny.toml", "--out", "mine", "--resume").code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gone.toml"], "recipe gone.toml cannot be read (No such file or directory): check it"),
        (
            ["tiny.toml", "sed=1"],
            "the recipe does not fit: Object contains unknown field `sed` (did you mean 'seed'?)",
        ),
        (
            ["tiny.toml", "--resume"],
            "there is no run in runs/tiny to resume: leave resume out to begin it",
        ),
    ],
)
def test_what_cannot_be_run_is_one_sentence(
    run: Callable[..., Ran], recipe: Path, arguments: list[str], sentence: str
) -> None:
    assert run("train", *arguments) == Ran(4, "", f"sightline: error: {sentence}\n")


def test_skipped_inputs_are_listed_and_end_in_code_3(run: Callable[..., Ran], desk: Path) -> None:
    from tiny_sets import write_shard

    write_sets(desk / "sets")
    write_shard(desk / "bad.tar", [("a.png", b"no picture"), ("a.cls", b"red")])
    tree: dict[str, Any] = recipe_tree(Path("sets"))
    tree["sources"][0]["uri"] = ["sets/labelled.tar", "bad.tar"]
    write_recipe(desk / "tiny.toml", tree)
    ran = run("train", "tiny.toml", "stages.2.steps=20")
    assert ran.code == 3
    assert ran.err.startswith("skipped (bad image): 1\n  a was skipped: ")


def test_without_torch_the_extra_is_named(
    run: Callable[..., Ran], recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("sightline.train")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)  # the import system's sign for "not there"
    assert run("train", "tiny.toml") == Ran(
        4,
        "",
        "sightline: error: training needs torch, which is an extra: install sightline[train]\n",
    )


def test_help_ends_with_an_example(run: Callable[..., Ran]) -> None:
    lines = run("train", "--help").out.strip().splitlines()
    assert lines[-1].strip() == (
        "Example: sightline train recipes/bundled.toml seed=1 --out runs/mine"
    )
