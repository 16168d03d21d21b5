"""How long does a command take in a fresh process, and how much memory, beside its imports alone?

Run `python benchmarks/startup.py`; `--tiny` only proves that it runs; `--json` prints one line for
each contestant. Each is a process of its own, started once a round, so that a busy minute falls on
all of them. The floor is a script that imports what a classifier cannot do without (NumPy, Pillow,
tokenizers, ONNX Runtime) and reads the photo. "first time" has an empty SIGHTLINE_HOME: class
vectors and simplified towers are made; afterwards they are kept. All compute in float32 in ONNX
Runtime, as where no extra is installed, but for the one that says otherwise.

`--imports` prints instead what `python -X importtime` says of `classify`: the modules that take
longest by themselves, and what each package takes in all, ours and others'.

`sightline` is timed as it is installed: it ends without taking Python and the engines apart, which
the floor does, as a script does. Seconds are from the start of a process to its end, "cpu_s" those
that it computed, in all its threads. Peaks count the starting process as well, so this one imports
little. Bytecode is written and read, as where a package is installed, whatever the environment
says. It needs Linux or macOS.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from setting import at_least_one, setting

PHOTO = Path(__file__).resolve().parents[1] / "photos" / "cat.jpg"
LABELS = "cat,dog,duck"
FLOOR_SCRIPT = """
import sys, numpy, PIL.Image, tokenizers, onnxruntime
PIL.Image.open(sys.argv[1]).convert("RGB").load()
"""
OURS = "from sightline.cli import program; program()"
CLASSIFY = (OURS, "classify", str(PHOTO), "--labels", LABELS)
BASELINE = "the floor"
# What is run: a line of Python and its arguments; HOME stands for a folder that is kept.
CONTESTANTS: Mapping[str, Sequence[str]] = {
    "python alone": ("",),
    BASELINE: (FLOOR_SCRIPT, str(PHOTO)),
    "--help": (OURS, "--help"),
    "classify, first time": CLASSIFY,
    "classify": CLASSIFY,
    "classify in openvino": (*CLASSIFY, "--runtime", "openvino", "--precision", "bfloat16"),
    "similarity": (OURS, "similarity", str(PHOTO), "--text", "a cat", "--text", "a dog"),
    "embed": (OURS, "embed", str(PHOTO), "--out", "HOME/vectors.npy"),
}
IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)")  # µs alone, µs in all, module


class Ran(NamedTuple):
    """What the system says of one process that has ended."""

    s: float
    cpu_s: float
    peak_mb: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--rounds", type=at_least_one, default=15)
    parser.add_argument("--imports", action="store_true", help="which modules take how long")
    parser.add_argument("--least-ms", type=float, default=1.0, help="of a module that is shown")
    asked = parser.parse_args()
    rounds = 1 if asked.tiny else asked.rounds
    with TemporaryDirectory() as place:
        if asked.imports:
            lines = imports(Path(place), rounds, asked.least_ms)
        else:
            lines = results(race(Path(place), rounds))
        for line in lines:
            print(json.dumps(line) if asked.json else table_row(line))
    return 0


def race(place: Path, rounds: int) -> dict[str, list[Ran]]:
    """Start each contestant once a round; the round before the first writes what is kept."""
    found: dict[str, list[Ran]] = {name: [] for name in CONTESTANTS}
    for number in range(rounds + 1):
        for name, arguments in CONTESTANTS.items():
            home = place / (f"home-{number}" if name.endswith("first time") else "home")
            home.mkdir(exist_ok=True)
            ran = started(arguments, home)
            if number:
                found[name].append(ran)
    return found


def started(arguments: Sequence[str], home: Path, *options: str) -> Ran:
    """Run a line of Python in a fresh process, with a folder for all that is kept."""
    with (home / "output").open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [
                sys.executable,
                *options,
                "-c",
                *(one.replace("HOME", str(home)) for one in arguments),
            ],
            env=environment(home),
            stdout=output,
            stderr=output,
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} failed:\n{(home / 'output').read_text()}")
    counted = 1 if sys.platform == "darwin" else 1024  # bytes, in ru_maxrss
    return Ran(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * counted / 1e6)


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    own = {"SIGHTLINE_HOME": str(home), "HF_HUB_OFFLINE": "1", "SIGHTLINE_PRECISION": "float32"}
    return kept | own


def results(found: Mapping[str, Sequence[Ran]]) -> Iterator[dict[str, Any]]:
    where = setting(("sightline", "numpy", "pillow", "tokenizers", "onnxruntime"))
    for name, rounds in found.items():
        line: dict[str, Any] = {"question": "a command in a fresh process", "contestant": name}
        yield line | figures(rounds, found[BASELINE], "floor") | where


def figures(rounds: Sequence[Ran], baseline: Sequence[Ran], against: str) -> dict[str, Any]:
    """Return what is said of a contestant's rounds, beside the baseline's."""
    seconds, theirs = ([one.s for one in each] for each in (rounds, baseline))
    ratios = [mine / other for mine, other in zip(seconds, theirs, strict=True)]
    return {
        "rounds": len(rounds),
        "s": round(statistics.median(seconds), 3),
        "best_s": round(min(seconds), 3),
        f"times_{against}": round(statistics.median(ratios), 2),
        f"best_times_{against}": round(min(seconds) / min(theirs), 2),
        "cpu_s": round(statistics.median(one.cpu_s for one in rounds), 3),
        "peak_mb": round(statistics.median(one.peak_mb for one in rounds)),
    }


def imports(place: Path, rounds: int, least_ms: float) -> Iterator[dict[str, Any]]:
    """Yield what modules take by themselves, then packages in all: the best of the rounds."""
    taken: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        started(CLASSIFY, place, "-X", "importtime")
        said = IMPORT.findall((place / "output").read_text())
        for alone, _, module in said if number else ():
            taken[module].append(int(alone) / 1000)
    modules = {module: min(times) for module, times in taken.items()}
    packages: dict[str, list[float]] = defaultdict(list)
    for module, ms in modules.items():
        packages[module.partition(".")[0]].append(ms)
    where = setting(("sightline", "numpy", "pillow", "tokenizers", "onnxruntime"))
    counted = {module: (ms, 1) for module, ms in modules.items()}
    in_all = {package: (sum(times), len(times)) for package, times in packages.items()}
    for kind, rows in (("module alone", counted), ("package in all", in_all)):
        for name, (ms, count) in sorted(rows.items(), key=lambda row: -row[1][0]):
            if ms >= least_ms:
                line: dict[str, Any] = {"question": "what is imported", "contestant": name}
                line |= {"kind": kind, "ms": round(ms, 1), "modules": count}
                yield line | {"ours": name.startswith("sightline")} | where
    line = {"question": "what is imported", "contestant": "everything", "kind": "all"}
    line |= {"ms": round(sum(modules.values()), 1), "modules": len(modules)}
    yield line | where


def table_row(line: Mapping[str, Any]) -> str:
    if "kind" in line:
        count = f"{line['modules']} modules" if line["modules"] > 1 else ""
        return f"{line['kind']:<15} {line['ms']:>7.1f} ms  {line['contestant']:<48} {count}"
    return (
        f"{line['contestant']:<22} {line['s']:.3f} s, best {line['best_s']:.3f}; × floor "
        f"{line['times_floor']}, best {line['best_times_floor']}; "
        f"computed {line['cpu_s']:.3f} s; peak {line['peak_mb']} MB"
    )


if __name__ == "__main__":
    sys.exit(main())
