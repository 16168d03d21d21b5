"""How long until one photo has a label, by a ViT-B/32 in local files, in a fresh process?

Run `python benchmarks/one_photo.py`; `--tiny` only proves that it runs; `--json` prints one line
for each contestant. transformers writes a random model once. The baseline is what somebody who
knows ONNX Runtime writes: both towers in int8 by its own tool, optimised offline, three labels,
NumPy, Pillow, `tokenizers`. Ours is `sightline classify`, whose label vectors and towers are kept
from the round before, and which ends without taking Python and its engine apart. Each is a process
of its own, started once a round.

It needs torch, transformers, onnx and openvino.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from random_model import write_models
from setting import at_least_one, setting
from startup import LABELS, OURS, PHOTO, Ran, figures, started

BASELINE = "a script on onnxruntime int8"
SCRIPT = """
import sys, numpy as np, onnxruntime, tokenizers
from PIL import Image
folder, photo, labels = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
image, text = (onnxruntime.InferenceSession(f"{folder}/{name}.optimised.onnx", options)
               for name in ("image", "text"))
words = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
words.enable_padding(length=77, pad_id=49407)
ids = np.array([one.ids for one in words.encode_batch(labels.split(","))])
size = image.get_inputs()[0].shape[-1]
picture = Image.open(photo).convert("RGB")
scale = size / min(picture.size)
picture = picture.resize([round(edge * scale) for edge in picture.size], Image.Resampling.BICUBIC)
left, top = ((edge - size) // 2 for edge in picture.size)
pixels = np.asarray(picture.crop((left, top, left + size, top + size)), np.float32) / 255
mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
pixels = ((pixels - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)
seen, = image.run(None, {"pixels": pixels})
named, = text.run(None, {"ids": ids})
seen, named = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (seen, named))
shares = np.exp(100 * seen @ named.T)
print(shares / shares.sum())
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="a model of 20 MB, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--rounds", type=at_least_one, default=9)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write(Path(asked.write))
        return 0
    with TemporaryDirectory() as place:
        write_models(Path(place), tiny=asked.tiny)
        subprocess.run([sys.executable, __file__, "--write", place], check=True)
        found = race(Path(place), 1 if asked.tiny else asked.rounds)
    for line in results(found):
        print(json.dumps(line) if asked.json else table_row(line))
    return 0


def write(place: Path) -> None:
    """Quantise the model for the script, by ONNX Runtime's tool, and for us, by calibration."""
    import onnxruntime
    from towers_entered import Entered

    from sightline.runtime.ranges_file import NAME, write_ranges

    entered = Entered(place, os.cpu_count() or 1, None)
    folder = entered.checkpoint.folder
    for tower in ("image", "text"):
        path = entered.quantised(tower)
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(folder / f"{tower}.optimised.onnx")
        options.log_severity_level = 3
        onnxruntime.InferenceSession(path, options)
    for runtime in ("onnxruntime", "openvino"):
        beside = folder / "towers" / f"{runtime}-int8"
        beside.mkdir(parents=True)
        write_ranges(entered.ranges, beside / NAME)


def contestants(folder: Path) -> Mapping[str, Sequence[str]]:
    """Return a line of Python and its arguments for each."""
    found: dict[str, Sequence[str]] = {BASELINE: (SCRIPT, str(folder), str(PHOTO), LABELS)}
    classify = (OURS, "classify", str(PHOTO), "--labels", LABELS, "--model", str(folder))
    for runtime, precision in (
        ("onnxruntime", "float32"),
        ("onnxruntime", "int8"),
        ("openvino", "bfloat16"),
        ("openvino", "int8"),
    ):
        how = ("--runtime", runtime, "--precision", precision)
        found[f"sightline classify, {runtime} {precision}"] = (*classify, *how)
    return found


def race(place: Path, rounds: int) -> dict[str, list[Ran]]:
    """Start each contestant once a round; the round before the first writes what is kept."""
    entered, home = contestants(place / "huggingface"), place / "home"
    home.mkdir()
    found: dict[str, list[Ran]] = {name: [] for name in entered}
    for number in range(rounds + 1):
        for name, arguments in entered.items():
            ran = started(arguments, home)
            if number:
                found[name].append(ran)
    return found


def results(found: Mapping[str, Sequence[Ran]]) -> Iterator[dict[str, Any]]:
    where = setting(("sightline", "numpy", "pillow", "tokenizers", "onnxruntime", "openvino"))
    for name, rounds in found.items():
        line: dict[str, Any] = {"question": "one photo, fresh process", "contestant": name}
        yield line | figures(rounds, found[BASELINE], "script") | where


def table_row(line: Mapping[str, Any]) -> str:
    return (
        f"{line['contestant']:<42} {line['s']:.3f} s, best {line['best_s']:.3f}; × the script "
        f"{line['times_script']}, best {line['best_times_script']}; "
        f"computed {line['cpu_s']:.3f} s; "
        f"peak {line['peak_mb']} MB"
    )


if __name__ == "__main__":
    raise SystemExit(main())
