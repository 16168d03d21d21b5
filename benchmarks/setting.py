"""Where and with what a benchmark ran: in each line of its results. Enter at `setting`."""

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any


def setting(packages: Iterable[str]) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "commit": commit(),
        "machine": processor(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def at_least_one(given: str) -> int:
    """Read a number of rounds, as `argparse` wants it."""
    number = int(given)
    if number < 1:
        raise ValueError(given)
    return number


def commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return done.stdout.strip() or "unknown"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} × {names[0] if names else platform.machine()}"
