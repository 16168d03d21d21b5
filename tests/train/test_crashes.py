"""SIGKILL at any moment, resume, and the weights are those of a run that was left alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import crashing_runs
from sightline.train.journal import read_journal
from tiny_training import recipe_tree, write_sets

KILLED = -signal.SIGKILL


Train = Callable[..., list[int]]


@pytest.fixture(scope="module")
def train() -> Iterator[Train]:
    """Return a function that trains in processes of their own and returns how each ended."""
    with started("1") as train:
        yield train


@contextmanager
def started(hash_seed: str) -> Iterator[Train]:
    """Start the program that trains; sets of words are walked in the order of the hash seed."""
    environment = {"PYTHONPATH": str(Path(crashing_runs.__file__).parent)}
    with subprocess.Popen(
        [sys.executable, crashing_runs.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment | {"PYTHONHASHSEED": hash_seed},
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        orders, answers = program.stdin, program.stdout

        def order(recipe: dict[str, Any], *cases: dict[str, Any]) -> list[int]:
            orders.write(json.dumps({"recipe": recipe, "cases": cases}) + "\n")
            orders.flush()
            ends: list[int] = json.loads(answers.readline())
            assert all(end in (0, KILLED) for end in ends)
            return ends

        yield order
        orders.close()


def case(folder: Path, *, kill_at: int = 0, resume: bool = False) -> dict[str, Any]:
    return {"folder": str(folder), "kill_at": kill_at, "resume": resume}


def result_of(run: Path) -> dict[str, bytes]:
    """Return every bit that a run leaves: state, position, what was logged, the model."""
    tensors = load_file(run / "state" / "tensors.safetensors")
    bits = {f"state {name}": array.tobytes() for name, array in tensors.items()}
    bits["position"] = (run / "state" / "position.json").read_bytes()
    bits["model"] = (run / "model" / "model.safetensors").read_bytes()
    for line in read_journal(run):
        values = {name: v for name, v in line["values"].items() if name != "examples/s"}
        bits[f"{line['kind']} {line['step']}"] = repr(values).encode()
    return bits


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crashes")
    write_sets(folder / "sets", count=48)  # enough that captions share words
    return folder


@pytest.fixture(scope="module")
def recipe(desk: Path) -> dict[str, Any]:
    """Return a recipe that has every loss but the teacher's."""
    tree = recipe_tree(desk / "sets")
    tree["sources"][0]["broader"] = {"warm": ["red"], "cold": ["blue", "green"]}
    for stage, loss in zip(tree["stages"], ("names_apart", "words", "all_words"), strict=True):
        stage["losses"] = stage["losses"] | {loss: 0.5}
    return tree


@pytest.fixture(scope="module")
def unbroken(desk: Path, recipe: dict[str, Any], train: Train) -> Path:
    assert train(recipe, case(desk / "unbroken")) == [0]
    return desk / "unbroken"


def events_of(unbroken: Path) -> list[str]:
    events: list[str] = json.loads((unbroken.parent / "unbroken.events").read_text())
    return events


def first(events: list[str], begins: str) -> int:
    return next(i for i, event in enumerate(events) if event.startswith(begins))


def test_a_run_killed_anywhere_and_resumed_ends_in_the_same_bits(
    desk: Path, recipe: dict[str, Any], unbroken: Path, train: Train
) -> None:
    events = events_of(unbroken)
    saves = [i for i, event in enumerate(events) if event.startswith("os.mkdir .state.writing")]
    begins = saves[1]  # the second replaces the first
    ends_at = next(i for i, event in enumerate(events) if i > begins and event == "step")
    steps = [i for i, event in enumerate(events) if event == "step"]
    assert len(steps) == 12
    moments = {
        events.index("os.rename tokenizer.writing"),  # before there is a run, or a state of it
        first(events, "open .recipe.json."),
        saves[0],
        # every move of a state that replaces another; opening a folder only flushes it
        *(i for i in range(begins, ends_at) if not events[i].startswith(("open .", "open unb"))),
        steps[6],  # between two states: the texts locked, then both learning
        steps[10],
        steps[11] + 8,  # while the model is written
        len(events) - 1,  # while the report is
    }
    cases, folders = [], []
    for moment in sorted(moments):
        folder = desk / f"killed-{moment}"
        folders.append(folder)
        cases.append(case(folder, kill_at=moment + 1))
        cases.append(case(folder, resume=moment > first(events, "os.rename .recipe.json.")))
    ends = train(recipe, *cases)
    assert ends == [KILLED, 0] * len(folders)
    wanted = result_of(unbroken)
    for folder in folders:
        assert result_of(folder) == wanted, folder.name


def test_another_process_comes_to_the_same_bits(
    desk: Path, recipe: dict[str, Any], unbroken: Path
) -> None:
    with started("2") as train:
        assert train(recipe, case(desk / "elsewhere")) == [0]
    assert result_of(desk / "elsewhere") == result_of(unbroken)


def test_a_run_killed_again_and_again_ends_in_the_same_bits(
    desk: Path, recipe: dict[str, Any], unbroken: Path, train: Train
) -> None:
    folder = desk / "again"
    steps = [i for i, event in enumerate(events_of(unbroken)) if event == "step"]
    first = case(folder, kill_at=steps[3] + 1)
    ends = train(
        recipe,
        first,
        *(case(folder, kill_at=moment, resume=True) for moment in (40, 55, 30)),
        case(folder, resume=True),
    )
    assert ends[0] == KILLED
    assert ends[-1] == 0
    assert result_of(folder) == result_of(unbroken)


def test_in_bfloat16_on_two_threads_it_ends_in_the_same_bits_too(
    desk: Path, recipe: dict[str, Any], unbroken: Path, train: Train
) -> None:
    mixed = recipe | {"precision": "bfloat16", "threads": 2}
    whole, folder = desk / "bfloat16", desk / "bfloat16-killed"
    steps = [i for i, event in enumerate(events_of(unbroken)) if event == "step"]
    cases = [case(whole), case(folder, kill_at=steps[7] + 1), case(folder, resume=True)]
    assert train(mixed, *cases) == [0, KILLED, 0]
    assert result_of(folder) == result_of(whole)
    assert weights_differ(whole, unbroken)  # control: it was not float32


def test_control_a_resumed_run_that_lost_its_place_in_the_data_differs(
    desk: Path, recipe: dict[str, Any], unbroken: Path, train: Train
) -> None:
    folder = desk / "lost"
    steps = [i for i, event in enumerate(events_of(unbroken)) if event == "step"]
    train(recipe, case(folder, kill_at=steps[9]))
    file = folder / "state" / "position.json"
    position = json.loads(file.read_text())
    for part in position["stream"]["parts"]:
        part["position"]["step"] += 1
    file.write_text(json.dumps(position))
    assert train(recipe, case(folder, resume=True)) == [0]
    assert weights_differ(folder, unbroken)


def test_control_another_seed_differs(
    desk: Path, recipe: dict[str, Any], unbroken: Path, train: Train
) -> None:
    train(recipe | {"seed": 1}, case(desk / "other-seed"))
    assert weights_differ(desk / "other-seed", unbroken)


def weights_differ(one: Path, other: Path) -> bool:
    ours, theirs = (load_file(run / "state" / "tensors.safetensors") for run in (one, other))
    assert ours.keys() == theirs.keys()
    return any(not np.array_equal(ours[name], theirs[name]) for name in ours)
