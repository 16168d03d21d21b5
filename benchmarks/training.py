"""How fast does a CLIP learn, and in how much memory, here and in OpenCLIP's loop?

Run `python benchmarks/training.py`; `--tiny` only proves that it runs; `--json` prints one line for
each contestant. Each trains the same architecture from random weights in a process of its own, and
they take turns, a step each, so that a busy minute falls on all of them. OpenCLIP's loop is that of
its `train_one_epoch` with --precision amp_bfloat16: forward, ClipLoss, backward, AdamW, texts of 77
ids; its pixels are there already. Ours is `pretrain`, what `sightline train` calls: it also draws
its examples, crops and recolours them and trims their texts. Its pictures were decoded in the
warm-up. Captions have 8 to 14 ids, start and end included. Peak memory is the highest resident set
of the process; `--batch 256 --micro-batch 32` shows what micro-batches make of it.

Other work on the machine holds up torch's threads most. `--one-thread` counts the seconds that one
thread computes instead, of which it changes little.

It needs Linux, torch, and OpenCLIP as `tests/torchvision_standin.py` says.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image
from setting import at_least_one, setting

PROCESS = Path(__file__).resolve().with_name("training_process.py")
BASELINE = "open_clip"
WARM_UP = 2  # steps: memory is asked of the system, and pictures are decoded
WORDS = "photo of the red dog on wall with two small old boats near some tall green trees"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="towers of two layers, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--model", default="ViT-B-32", help="an architecture that both know")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--micro-batch", type=int, help="ours in micro-batches too")
    parser.add_argument("--rounds", type=at_least_one, default=9)
    parser.add_argument("--one-thread", action="store_true", help="and its seconds of computing")
    asked = parser.parse_args()
    if asked.one_thread:
        os.environ["OMP_NUM_THREADS"] = "1"
    if asked.tiny:
        asked.batch, asked.micro_batch, asked.rounds = 4, 2, 1
    with TemporaryDirectory() as place:
        write_pictures(Path(place), asked.batch)
        steps = race(Path(place), asked)
    for line in results(steps, asked):
        print(json.dumps(line) if asked.json else table_row(line))
    return 0


def write_pictures(folder: Path, count: int) -> None:
    """Write pictures of random blocks of colour, each with a caption of 6 to 12 words."""
    draw = np.random.default_rng(0)
    lines = []
    for number in range(count):
        blocks = draw.integers(0, 255, (24, 32, 3)).repeat(12, axis=0).repeat(12, axis=1)
        Image.fromarray(blocks.astype(np.uint8)).save(folder / f"{number}.jpg")
        caption = " ".join(draw.choice(WORDS.split(), 6 + number % 7))
        lines.append(json.dumps({"image": f"{number}.jpg", "caption": caption}))
    (folder / "pictures.jsonl").write_text("\n".join(lines) + "\n")


def race(place: Path, asked: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Give each contestant a step in turn."""
    sizes = {"sightline": None, BASELINE: None}
    if asked.micro_batch:
        sizes[f"sightline, micro-batches of {asked.micro_batch}"] = asked.micro_batch
    racing = {name: start(name, place, asked, size) for name, size in sizes.items()}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in racing}
    try:
        for number in range(WARM_UP + asked.rounds):
            for name, process in racing.items():
                step = take_turn(name, process)
                if number >= WARM_UP:
                    found[name].append(step)
    finally:
        for process in racing.values():
            process.kill()
            process.wait()
    return found


def start(
    name: str, place: Path, asked: argparse.Namespace, micro_batch: int | None
) -> subprocess.Popen[str]:
    """Start a contestant; it waits for its first turn."""
    settings = {"model": asked.model, "batch": asked.batch, "micro_batch": micro_batch}
    command = [str(PROCESS), name, str(place), json.dumps(settings | {"tiny": asked.tiny})]
    # Threads that spin while another contestant has its turn would slow it down.
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def take_turn(name: str, process: subprocess.Popen[str]) -> dict[str, Any]:
    """Let a contestant take a step."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{name} ended before its turn was over")
    step: dict[str, Any] = json.loads(line)
    return step


def results(
    steps: Mapping[str, list[dict[str, Any]]], asked: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    where = setting(("sightline", "torch", "open_clip_torch"))
    theirs = [step["seconds"] for step in steps[BASELINE]]
    for name, own in steps.items():
        seconds = [step["seconds"] for step in own]
        line: dict[str, Any] = {"question": "images a second and memory of a training step"}
        line |= {"contestant": name, "model": asked.model, "batch": asked.batch}
        line |= {"rounds": asked.rounds, "tiny": asked.tiny, "one_thread": asked.one_thread}
        line["images_per_s"] = round(asked.batch / statistics.median(seconds), 2)
        line["best_images_per_s"] = round(asked.batch / min(seconds), 2)
        ratios = [their / our for our, their in zip(seconds, theirs, strict=True)]
        line["times_open_clip"] = round(statistics.median(ratios), 2)
        line["best_times_open_clip"] = round(min(theirs) / min(seconds), 2)
        peaks = [max(step["peak_bytes"] for step in each) for each in (own, steps[BASELINE])]
        line["peak_mb"] = round(peaks[0] / 1e6)
        line["peak_of_open_clip"] = round(peaks[0] / peaks[1], 3)
        yield line | where


def table_row(line: dict[str, Any]) -> str:
    return (
        f"{line['contestant']:<32} {line['images_per_s']:>7} images/s, "
        f"best {line['best_images_per_s']}; × open_clip {line['times_open_clip']}, "
        f"best {line['best_times_open_clip']}; peak {line['peak_mb']} MB, "
        f"{line['peak_of_open_clip']:.0%} of open_clip's"
    )


if __name__ == "__main__":
    sys.exit(main())
