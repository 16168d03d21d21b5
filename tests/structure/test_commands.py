"""Every command's help ends with an example, and the example runs."""

import re
import shlex
from pathlib import Path

import click
import pytest

import reference
from desk import lay
from ran import Ran
from sightline.cli.main import exit_code

COMMANDS = {typed: (command, context) for typed, command, context in reference.commands()}
MOST_FLAGS = 13
# What has to be done before an example can run: the card is checked against results and a card.
BEFORE = {
    "sightline card": (
        "sightline evaluate bundled photos/demo-photos.csv --out model/results.json",
        "sightline card bundled --facts recipes/bundled-card.toml",
    ),
}
# 46 photos are too few to certify on: the example shows the whole table, and what is missing.
CODES = {"sightline models certify": 1}
# A recipe takes hours. That this one can be read is tested with the recipes, and that a smaller one
# trains by the same command, resumes and fails well in tests/cli/test_train.py.
TOO_LONG = {"sightline train"}
# What asks the hub: tests/cli/test_opening.py runs it against one on this machine.
OUTSIDE = {"sightline models pull"}


def example_of(typed: str) -> str:
    """Return the example at the end of a command's help."""
    command, context = COMMANDS[typed]
    found = re.search(r"Example: (sightline .+)\Z", command.get_help(context), re.DOTALL)
    assert found is not None, f"{typed} --help does not end with an example"
    return " ".join(found[1].split())


def run(line: str, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run a command line in this process."""
    program, *arguments = shlex.split(line)
    assert program == "sightline"
    capsys.readouterr()
    return Ran(exit_code(arguments), *capsys.readouterr())


@pytest.mark.parametrize("typed", COMMANDS)
def test_help_ends_with_an_example_of_the_command_itself(typed: str) -> None:
    assert example_of(typed).startswith(f"{typed} ")


@pytest.mark.parametrize("typed", [typed for typed in COMMANDS if typed not in TOO_LONG | OUTSIDE])
def test_the_example_runs(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, monkeypatch)
    for line in BEFORE.get(typed, ()):
        assert run(line, capsys).code == 0
    line = example_of(typed)
    ran = run(line, capsys)
    assert (ran.code, ran.out != "" or "--out" in line) == (CODES.get(typed, 0), True), ran.err


def test_control_an_example_of_what_is_not_there_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, monkeypatch)
    assert run("sightline classify other.jpg --labels 'cat,dog'", capsys).code == 4


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_command_and_flag_says_what_it_is_for(typed: str) -> None:
    command, _ = COMMANDS[typed]
    flags = [one for one in command.params if isinstance(one, click.Option)]
    assert command.help
    assert [one.name for one in flags if not one.help] == []
    assert len(flags) <= MOST_FLAGS
