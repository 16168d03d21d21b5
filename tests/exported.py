"""Run what an exported folder brings, where Sightline cannot be imported. Enter at `scores_of`."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

WITHOUT = """
import runpy, sys
sys.modules["sightline"] = None
script, labels, *photos = sys.argv[1:]
for photo in photos:
    sys.argv = [script, photo, *filter(None, labels.split(","))]
    runpy.run_path(script, run_name="__main__")
    print("--")
"""


def run_script(
    folder: Path, photos: Sequence[Path], labels: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """Run run.py for each photo, in one fresh process that refuses Sightline."""
    script = str(folder / "run.py")
    command = [sys.executable, "-I", "-c", WITHOUT, script, ",".join(labels), *map(str, photos)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def scores_of(
    folder: Path, photos: Sequence[Path], labels: Sequence[str] = ()
) -> list[dict[str, float]]:
    """Return label → score for each photo, as the script prints them."""
    ran = run_script(folder, photos, labels)
    assert (ran.returncode, ran.stderr) == (0, "")
    blocks = ran.stdout.split("--\n")[:-1]
    rows = [[line.split(" ", 1) for line in block.splitlines()] for block in blocks]
    return [{name: float(score) for score, name in lines} for lines in rows]
