"""Where does the time of one picture go, from a JPEG file to a vector, and of one caption?

Run `python benchmarks/parts.py`; `--tiny` only proves that it runs; `--json` prints one line for
each model and size. Each step is timed alone, over 16 photos, and the best of the rounds is shown
in milliseconds a photo: reading the file and decoding it, resizing and cropping, making numbers of
it, putting 16 into one array, the tower on all cores, making vectors unit. "in a row" is their sum
with one thread; "as it runs" is `Embedder.embed_images` with threads that decode ahead; "overlapped
on all cores" is what the sum would be if everything but the tower ran on all cores at once.

Of 64 captions: making rows of ids, of words that were seen and with a new word in each, and
`Embedder.embed_texts`; what is between is the tower, with all that goes around it.

It needs torch, transformers, and openvino.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from files import BATCH, written
from pictures import SIZES
from random_model import write_models
from setting import at_least_one, setting
from towers import CAPTIONS, timed
from towers_entered import CAPTION, Entered

import sightline
from sightline import images
from sightline.embedder import Embedder
from sightline.scoring.vectors import unit

RAN = ("onnxruntime float32", "openvino bfloat16", "openvino int8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="a model of 20 MB, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--rounds", type=at_least_one, default=7)
    asked = parser.parse_args()
    cores = os.cpu_count() or 1
    where = setting(("sightline", "onnxruntime", "openvino", "pillow")) | {"threads": cores}
    with TemporaryDirectory() as place:
        os.environ["SIGHTLINE_HOME"] = str(Path(place) / "home")
        write_models(Path(place), tiny=asked.tiny)
        entered = Entered(Path(place), cores, None)
        models = {f"ViT-B/32, {how}": entered.embedders[f"sightline, {how}"] for how in RAN}
        models["the bundled model, onnxruntime float32"] = sightline.load(
            runtime="onnxruntime", precision="float32"
        )
        for size in SIZES:
            photos = written(Path(place), size, BATCH)
            for name, embedder in models.items():
                line = measured(embedder, photos, 1 if asked.tiny else asked.rounds, cores)
                line = {"question": "parts of a picture", "contestant": name, "size": size} | line
                print(json.dumps(line | where) if asked.json else table_row(line), flush=True)
        for name, embedder in models.items():
            line = of_captions(embedder, 1 if asked.tiny else asked.rounds)
            line = {"question": "parts of a caption", "contestant": name} | line
            print(json.dumps(line | where) if asked.json else caption_row(line), flush=True)
    return 0


def of_captions(embedder: Embedder, rounds: int) -> dict[str, Any]:
    """Time 64 captions in all, and their words by themselves, in milliseconds a caption."""
    draw = np.random.default_rng()  # models share a tokenizer, which knows the words of the last
    letters = list("abcdefghijklmnopqrstuvwxyz")
    seen = [" ".join(draw.choice(CAPTION.split(), 8)) for _ in range(CAPTIONS)]
    best: dict[str, float] = {}
    for _ in range(rounds + 1):
        new = [f"a {''.join(draw.choice(letters, 6))} on the beach" for _ in range(CAPTIONS)]
        steps: Mapping[str, Callable[[], object]] = {
            "words that were seen": lambda: embedder.words.rows(seen),
            "with a new word in each": lambda new=new: embedder.words.rows(new),  # type: ignore[misc]
            "as it runs": lambda: embedder.embed_texts(seen),
        }
        for name, step in steps.items():
            taken = 1000 * timed(step) / CAPTIONS
            best[name] = min(taken, best.get(name, taken))
    best["tower and all else"] = best["as it runs"] - best["words that were seen"]
    return {"ms": {name: round(taken, 4) for name, taken in best.items()}}


def measured(embedder: Embedder, photos: Sequence[Path], rounds: int, cores: int) -> dict[str, Any]:
    """Time each step by itself, in milliseconds a photo."""
    best: dict[str, float] = {}
    for _ in range(rounds + 1):
        for name, step in steps(embedder, photos):
            taken = 1000 * timed(step) / len(photos)
            best[name] = min(taken, best.get(name, taken))
    whole = best.pop("as it runs")
    reading = sum(taken for name, taken in best.items() if name != "tower")
    line: dict[str, Any] = {"ms": {name: round(taken, 3) for name, taken in best.items()}}
    line["in_a_row_ms"] = round(sum(best.values()), 2)
    line["overlapped_ms"] = round(reading / cores + best["tower"], 2)
    line["as_it_runs_ms"] = round(whole, 2)
    return line | {"of_overlapped": round(line["overlapped_ms"] / whole, 2)}


def steps(embedder: Embedder, photos: Sequence[Path]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield each step with what was made by those before it."""
    recipe = embedder.spec.pixels
    read = [images.read_reduced(path, recipe.reduction) for path in photos]
    squares = [recipe.square(*one) for one in read]
    pixels = [recipe.normalise(one) for one in squares]
    rows = np.stack(pixels)
    vectors = embedder.towers.image(rows)
    yield "decode", lambda: [images.read_reduced(path, recipe.reduction) for path in photos]
    yield "resize", lambda: [recipe.square(*one) for one in read]
    yield "numbers", lambda: [recipe.normalise(one) for one in squares]
    yield "copy", lambda: np.stack(pixels)
    yield "tower", lambda: embedder.towers.image(rows)
    yield "unit", lambda: unit(vectors)
    yield "as it runs", lambda: embedder.embed_images(list(photos))


def caption_row(line: Mapping[str, Any]) -> str:
    parts = ", ".join(f"{name} {ms:.3f}" for name, ms in line["ms"].items())
    return f"{'a caption':14} {line['contestant']:40} {parts} ms"


def table_row(line: Mapping[str, Any]) -> str:
    parts = ", ".join(f"{name} {ms:.2f}" for name, ms in line["ms"].items())
    return (
        f"{line['size']:14} {line['contestant']:40} {parts}; in a row {line['in_a_row_ms']}, as it "
        f"runs {line['as_it_runs_ms']} ms: {line['of_overlapped']:.0%} of overlapped on all cores "
        f"({line['overlapped_ms']})"
    )


if __name__ == "__main__":
    raise SystemExit(main())
