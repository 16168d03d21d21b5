"""The random model that contestants open, in every layout. Enter at `write_models`."""

import subprocess
import sys
from pathlib import Path


def write_models(place: Path, *, tiny: bool) -> None:
    """Let transformers write a random model, in a process of its own, and convert it."""
    script = str(Path(__file__).with_name("loading.py"))
    command = [sys.executable, script, "--write", str(place), *["--tiny"] * tiny]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
