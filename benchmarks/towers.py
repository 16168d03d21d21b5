"""How fast are the towers of one model, ours and the peers', and how close to this machine's limit?

Run `python benchmarks/towers.py`; `--tiny` only proves that it runs; `--json` prints one line for
each contestant. transformers writes a random ViT-B/32 once; all contestants have its weights, get
the same pixels and captions, and take turns, round after round, in one process.

"as used" is what a library does when it is called as its page says; "by hand" is what somebody who
knows the engines can glue together. Texts are 64 captions of 8 to 14 ids: as used they are padded
to 77. `--nncf PYTHON` adds OpenVINO's own int8, made in another environment.

The limits are of this machine: products of a layer's size, by torch, in each precision; a tower's
share of its limit is by the products that it has to do.

It needs torch, transformers, onnx, openvino, and OpenCLIP as `tests/torchvision_standin.py` says.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from random_model import write_models
from setting import at_least_one, setting
from towers_entered import Entered, image_contestants, text_contestants

from sightline.runtime.onnx_towers import PACKED_AT

BASELINE = "transformers float32, as used"
BATCH = 16
CAPTIONS = 64
LAYER = (800, 768, 3072)  # rows of 16 pictures, and the widths of an MLP of ViT-B/32
PRECISIONS = ("float32", "bfloat16", "int8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="a model of 20 MB, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--rounds", type=at_least_one, default=9)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--nncf", help="the Python of an environment with openvino and nncf")
    asked = parser.parse_args()
    rounds = 1 if asked.tiny else asked.rounds
    import torch

    torch.set_num_threads(asked.threads)
    with TemporaryDirectory() as place:
        os.environ["SIGHTLINE_HOME"] = str(Path(place) / "home")
        write_models(Path(place), tiny=asked.tiny)
        entered = Entered(Path(place), asked.threads, asked.nncf)
        lines = [*limits(1 if asked.tiny else 20)]
        ceilings = {line["precision"]: line["gflop_per_s"] for line in lines}
        lines += image_lines(entered, rounds, ceilings)
        lines += text_lines(entered, rounds, ceilings)
    packages = ("sightline", "onnxruntime", "openvino", "torch", "transformers", "open_clip_torch")
    where = setting(packages) | {"threads": asked.threads}
    for line in lines:
        print(json.dumps(line | where) if asked.json else table_row(line))
    return 0


def limits(times: int) -> Iterator[dict[str, Any]]:
    """Measure products of a layer's size: what no tower can beat."""
    import torch

    rows, width, out = LAYER
    for precision in PRECISIONS:
        if precision == "int8":
            given = torch.randint(-127, 128, (rows, width), dtype=torch.int8)
            weight = torch.randint(-127, 128, (width, out), dtype=torch.int8)
            run = torch._int_mm
        else:
            kind = getattr(torch, precision)
            given, weight = torch.randn(rows, width).to(kind), torch.randn(width, out).to(kind)
            run = torch.matmul
        run(given, weight)
        best = min(timed(lambda: run(given, weight)) for _ in range(times))  # noqa: B023
        speed = 2 * rows * width * out / best / 1e9
        yield {
            "question": "products",
            "contestant": "torch",
            "precision": precision,
            "gflop_per_s": round(speed),
        }


def image_lines(
    entered: Entered, rounds: int, ceilings: Mapping[str, float]
) -> Iterator[dict[str, Any]]:
    """Pixels of 16 pictures to vectors."""
    spec = entered.spec
    size = (BATCH, 3, spec.image.size_px, spec.image.size_px)
    pixels = np.random.default_rng(0).standard_normal(size).astype(np.float32)
    run = image_contestants(entered, pixels)
    yield from race("image tower, batch 16", run, rounds, BATCH, entered.image_gflop, ceilings)


def text_lines(
    entered: Entered, rounds: int, ceilings: Mapping[str, float]
) -> Iterator[dict[str, Any]]:
    """64 captions to vectors."""
    draw = np.random.default_rng(0)
    words = ("a", "dog", "runs", "on", "the", "beach", "near", "two", "red", "boats", "at", "dusk")
    counts = draw.integers(6, 13, CAPTIONS)  # words of one id each; start and end come on top
    captions = [" ".join(draw.choice(words, count)) for count in counts]
    run = text_contestants(entered, captions)
    gflop = entered.token_gflop * float(np.mean(counts) + 2)
    yield from race("64 captions of 8 to 14 ids", run, rounds, CAPTIONS, gflop, ceilings)


def race(
    question: str,
    run: Mapping[str, Callable[[], np.ndarray]],
    rounds: int,
    count: int,
    gflop: float,
    ceilings: Mapping[str, float],
) -> Iterator[dict[str, Any]]:
    """Let everybody take turns; the first answer of each is compared with the baseline's."""
    answers = {name: unit(one()) for name, one in run.items()}
    for name, one in run.items():
        for _ in range(PACKED_AT if "sightline, onnxruntime" in name and rounds > 1 else 0):
            one()  # that engine packs its weights once it is used often
    seconds: dict[str, list[float]] = {name: [] for name in run}
    for _ in range(rounds):
        for name, one in run.items():
            seconds[name].append(timed(one))
    for name, taken in seconds.items():
        line: dict[str, Any] = {"question": question, "contestant": name, "rounds": rounds}
        line |= paces(seconds, taken, count)
        precision = next((one for one in PRECISIONS if one in name), "float32")
        line["of_limit"] = round(gflop * line["per_s"] / ceilings[precision], 2)
        plain, centred = closeness(answers[BASELINE], answers[name])
        yield line | {"cosine": round(plain, 6), "centred": round(centred, 5)}


def paces(
    seconds: Mapping[str, Sequence[float]], taken: Sequence[float], count: int
) -> dict[str, Any]:
    """Return how fast one was, and how much faster than the baseline and the quickest by hand.

    Ratios are those of the two in one round, and the median of these.
    """
    by_hand = min(
        (each for name, each in seconds.items() if "by hand" in name), key=statistics.median
    )
    return {
        "per_s": round(count / statistics.median(taken), 1),
        "best_per_s": round(count / min(taken), 1),
        "times_transformers": in_turn(seconds[BASELINE], taken),
        "best_times_transformers": round(min(seconds[BASELINE]) / min(taken), 2),
        "times_by_hand": in_turn(by_hand, taken),
        "best_times_by_hand": round(min(by_hand) / min(taken), 2),
        "rounds_s": [round(each, 4) for each in taken],
    }


def in_turn(theirs: Sequence[float], ours: Sequence[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(theirs, ours, strict=True)), 2)


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def closeness(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the lowest cosine, as it is and after the mean vector is taken out."""
    moved = [unit(vectors - one.mean(axis=0)) for vectors in (one, other)]
    return float((one * other).sum(axis=1).min()), float((moved[0] * moved[1]).sum(axis=1).min())


def unit(vectors: np.ndarray) -> np.ndarray:
    found: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def table_row(line: Mapping[str, Any]) -> str:
    if line["question"] == "products":
        return f"limit of {line['precision']}: {line['gflop_per_s']} GFLOP/s"
    return (
        f"{line['question']:28} {line['contestant']:44} {line['per_s']:7} /s, "
        f"best {line['best_per_s']:7}; × transformers {line['times_transformers']:5}, "
        f"best {line['best_times_transformers']:5}; × the quickest by hand "
        f"{line['times_by_hand']:5}; {line['of_limit']:.0%} of the limit; "
        f"cosine {line['cosine']}, centred {line['centred']}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
