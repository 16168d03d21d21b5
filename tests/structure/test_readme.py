"""What the README shows, runs; what it shows as output, is printed."""

import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from code_tree import ROOT
from desk import lay
from ran import Ran
from sightline.checkpoints.reading import BUNDLED
from sightline.cli.main import exit_code
from sightline.cli.verbs import VERBS

README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_QUICKSTART_LINES = 10


class Block(NamedTuple):
    """A fenced block, and the `text` block that follows it as its output, if one does."""

    language: str
    text: str
    output: str | None


def blocks(page: str) -> list[Block]:
    """Find the fenced blocks of a page; output belongs to the block right before it."""
    pattern = r"^```(\w+)\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?"
    found = re.finditer(pattern, page, re.DOTALL | re.MULTILINE)
    return [Block(one[1], one[2], one[3]) for one in found if one[1] != "text"]


BASH, PYTHON, CONSOLE = (
    [block for block in blocks(README) if block.language == language]
    for language in ("bash", "python", "console")
)


def run_bash(block: Block, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run the commands of a block, all ours, and stop at the first that fails."""
    ran = Ran(0, "", "")
    capsys.readouterr()
    for line in block.text.replace("\\\n", " ").splitlines():
        program, *arguments = shlex.split(line)
        assert program == "sightline"
        code = exit_code(arguments)
        out, err = capsys.readouterr()
        ran = Ran(code, ran.out + out, ran.err + err)
        if code:
            break
    return ran


def run_python(block: Block) -> str:
    """Run a block and return what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block.text, "README.md", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def trimmed(text: str) -> list[str]:
    """Return lines without what cannot be seen."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def test_there_are_blocks_of_each_kind_and_of_no_other() -> None:
    assert min(len(BASH), len(PYTHON), len(CONSOLE)) > 0
    assert len(blocks(README)) == len(BASH) + len(PYTHON) + len(CONSOLE)


@pytest.mark.parametrize("block", BASH, ids=lambda block: block.text.split("\n")[0][:40])
def test_a_command_that_is_shown_runs(
    block: Block,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lay(tmp_path, monkeypatch)
    ran = run_bash(block, capsys)
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.text.split("\n")[0][:40])
def test_python_that_is_shown_runs(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path, monkeypatch)
    assert run_python(block) != ""


def test_the_quickstart_is_short() -> None:
    assert len(PYTHON[0].text.splitlines()) <= MOST_QUICKSTART_LINES


def test_output_that_is_shown_is_what_the_bundled_model_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundled = BUNDLED
    lay(tmp_path, monkeypatch)
    monkeypatch.setattr("sightline.checkpoints.reading.BUNDLED", bundled)
    monkeypatch.setenv("COLUMNS", "80")
    for block in (one for one in BASH + PYTHON if one.output is not None):
        printed = run_bash(block, capsys).out if block.language == "bash" else run_python(block)
        assert trimmed(printed) == trimmed(block.output or "")


def test_what_is_too_long_to_run_here_names_what_exists() -> None:
    """Lines after `$`: a make target, a verb with files that are there, or an install."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    lines = [line for block in CONSOLE for line in block.text.splitlines()]
    for line in lines:
        prompt, program, first, *rest = shlex.split(line)
        assert prompt == "$"
        if program == "make":
            assert first in targets
        elif program == "sightline":
            assert first in VERBS
            assert (ROOT / rest[0]).exists()
        else:
            assert (program, first) == ("pip", "install")


def test_the_table_of_verbs_is_the_command_line_s() -> None:
    assert sorted(re.findall(r"^\| `sightline (\w+)` \|", README, re.M)) == sorted(VERBS)


def test_control_output_is_found_and_belongs_to_its_block() -> None:
    page = "```bash\na\n```\n\n```text\nb\n```\n\nwords\n\n```python\nc\n```\n"
    assert blocks(page) == [Block("bash", "a\n", "b\n"), Block("python", "c\n", None)]
