"""Every benchmark runs at toy size and says what it measured, where and with what."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from code_tree import ROOT

FOLDER = ROOT / "benchmarks"
SCRIPTS = sorted(
    path.name for path in FOLDER.glob("*.py") if "\ndef main(" in path.read_text(encoding="utf-8")
)
SAID = {"question", "contestant", "date", "commit", "machine", "load", "python", "versions"}


def run(name: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a developer does, with caches of its own."""
    paths = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {"SIGHTLINE_HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONPATH": paths}
    return subprocess.run(
        [sys.executable, str(FOLDER / name), *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def faults(printed: str) -> list[str]:
    """Return what is wrong with the lines that a benchmark printed."""
    lines = printed.splitlines()
    found = [] if lines else ["nothing was printed"]
    for line in lines:
        try:
            missing = SAID - json.loads(line).keys()
        except ValueError:
            found.append(f"no JSON: {line}")
        else:
            found += [f"{name} is not said" for name in sorted(missing)]
    return found


def test_there_are_benchmarks() -> None:
    assert {"loading.py", "pictures.py", "startup.py", "tokenizer.py"} <= set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_benchmark_runs_at_toy_size(name: str, tmp_path: Path) -> None:
    ran = run(name, tmp_path, "--tiny", "--json")
    assert ran.returncode == 0, ran.stderr
    assert faults(ran.stdout) == []


def test_imports_are_listed_ours_and_others(tmp_path: Path) -> None:
    ran = run("startup.py", tmp_path, "--tiny", "--json", "--imports")
    assert (ran.returncode, faults(ran.stdout)) == (0, []), ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    packages = {line["contestant"]: line for line in lines if line["kind"] == "package in all"}
    assert packages["sightline"]["ours"]
    assert not packages["numpy"]["ours"]
    assert packages["numpy"]["modules"] > 10


def test_control_a_line_that_does_not_say_where_it_was_measured_is_caught() -> None:
    assert faults("") == ["nothing was printed"]
    assert faults("1 s") == ["no JSON: 1 s"]
    whole = dict.fromkeys(SAID, 1)
    assert faults(json.dumps(whole)) == []
    assert faults(json.dumps({name: 1 for name in whole if name != "machine"})) == [
        "machine is not said"
    ]
