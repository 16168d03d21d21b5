"""How long until a model of 0.6 GB answers, and how much memory does it take, ours and the peers'?

Run `python benchmarks/loading.py`; `--tiny` only proves that it runs; `--json` prints one line for
each contestant. transformers writes a random CLIP once, each contestant opens it in a process of
its own, and rounds are interleaved. "loaded" is what the loader returned; "answered" is that and
the first vector of each tower (of the one tower, where only one is asked): ONNX Runtime opens a
tower when it is first asked, and whoever maps a file reads it then. Imports are apart.

Memory is the resident set above that after imports: "peak" at its highest, and, after the answers,
"own" (what cannot be given back) and "mapped" (pages of files, which the system may take back and
shares between processes). It needs Linux, torch, transformers, and OpenCLIP as
`tests/torchvision_standin.py` says.

Other work on the machine holds up torch's threads most, which flatters us. `--one-thread` counts
the seconds that one thread computes instead, of which it changes little.
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
from setting import at_least_one, setting

HERE = Path(__file__).resolve()
PROCESS = HERE.with_name("loading_process.py")
BASELINE = "transformers"
# What runs in a process of its own: which files it opens, and which towers are asked.
CONTESTANTS: Mapping[str, tuple[str, str]] = {
    "sightline": ("huggingface", "image text"),
    "sightline, image tower alone": ("huggingface", "image"),
    "sightline, text tower alone": ("huggingface", "text"),
    "sightline, its own folder, first time": ("sightline", "image text"),
    "sightline, its own folder": ("sightline", "image text"),
    "sightline, OpenCLIP's folder": ("openclip", "image text"),
    "sightline, torch": ("huggingface", "image text"),
    "transformers": ("huggingface", "image text"),
    "open_clip": ("openclip", "image text"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="a model of 20 MB, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--model", default="ViT-B-32-quickgelu", help="or ViT-L-14-quickgelu")
    parser.add_argument("--stored", default="float32", help="what the file holds, or float16")
    parser.add_argument("--rounds", type=at_least_one, default=9)
    parser.add_argument("--cold", action="store_true", help="out of the page cache before each")
    parser.add_argument("--one-thread", action="store_true", help="and its seconds of computing")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write(asked, Path(asked.write))
        return 0
    if asked.one_thread:
        os.environ["OMP_NUM_THREADS"] = "1"
    with TemporaryDirectory() as place:
        forward = ["--model", asked.model, "--stored", asked.stored, *["--tiny"] * asked.tiny]
        run([str(HERE), *forward, "--write", place], home=Path(place) / "home")
        rounds = race(Path(place), 1 if asked.tiny else asked.rounds, cold=asked.cold)
        numbers = json.loads((Path(place) / "numbers.json").read_text())
    for line in results(rounds, asked, numbers):
        print(json.dumps(line) if asked.json else table_row(line))
    return 0


def write(asked: argparse.Namespace, place: Path) -> None:
    """Write the model as Hugging Face's folder, by transformers, and convert it to the others."""
    sys.modules["torchvision"] = None  # type: ignore[assignment] # as the stand-in says
    import torch
    from transformers import CLIPConfig, CLIPModel

    from sightline.checkpoints import convert, read
    from sightline.checkpoints.huggingface import family_of, processor_of
    from sightline.checkpoints.tokenizer_files import tokenizer_files
    from sightline.spec.architectures import architecture

    spec, folder = architecture(asked.model), place / "huggingface"
    family = family_of(spec)
    assert family is not None
    config = family.settings(spec)
    if asked.tiny:
        for part in ("text_config", "vision_config"):
            config[part] |= {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 2}
    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig(**config)).to(getattr(torch, asked.stored))
    model.save_pretrained(folder)
    files = tokenizer_files(spec.words, None)
    files |= {"preprocessor_config.json": json.dumps(processor_of(spec.pixels)).encode()}
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    for layout in ("sightline", "openclip"):
        convert(read(folder), place / layout, layout)
    (place / "numbers.json").write_text(str(sum(each.numel() for each in model.parameters())))
    os.sync()  # pages not yet written count as a process's own


def race(place: Path, rounds: int, *, cold: bool) -> dict[str, list[dict[str, Any]]]:
    """Start each contestant once a round, so that a busy minute falls on all of them."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTESTANTS}
    for number in range(rounds + (rounds > 1)):  # the first is a warm-up
        for name, (layout, towers) in CONTESTANTS.items():
            if cold:
                forget(place / layout)
            first = name.endswith("first time")
            home = place / (f"home-{number}" if first else "home")
            said = run([str(PROCESS), name, str(place / layout), towers], home=home)
            if number or rounds == 1:
                found[name].append(json.loads(said.splitlines()[-1]))
    agree(found)
    return found


def forget(folder: Path) -> None:
    """Take the pages of a folder's files out of the cache; they are on disk already."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run(arguments: list[str], *, home: Path) -> str:
    """Run one of the two files in a fresh process."""
    environment = os.environ | {"SIGHTLINE_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{ran.stderr}")
    return ran.stdout


def agree(found: Mapping[str, list[dict[str, Any]]]) -> None:
    """Refuse to compare contestants that do not give the same vectors."""
    wanted = found[BASELINE][0]["vectors"]
    for name, rounds in found.items():
        for tower, vector in rounds[0]["vectors"].items():
            apart = float(np.abs(np.array(vector) - wanted[tower]).max())
            if apart > 1e-4:
                raise SystemExit(f"{name} gives other {tower} vectors ({apart:.1e})")


def results(
    found: Mapping[str, list[dict[str, Any]]], asked: argparse.Namespace, numbers: int
) -> Iterator[dict[str, Any]]:
    packages = ("sightline", "onnxruntime", "torch", "transformers", "open_clip_torch")
    where = setting(packages)
    for name, rounds in found.items():
        line: dict[str, Any] = {"question": "time and memory until a model answers"}
        line |= {"contestant": name, "model": asked.model, "stored": asked.stored}
        line |= {"cold": asked.cold, "one_thread": asked.one_thread, "rounds": len(rounds)}
        line |= {"weights_mb": round(4 * numbers / 1e6)}
        for key in ("imports_s", "loaded_s", "answered_s"):
            line[key] = round(statistics.median(each[key] for each in rounds), 3)
        times = sorted(each["answered_s"] for each in rounds)
        line["answered_range_s"] = [round(times[0], 3), round(times[-1], 3)]
        pairs = zip(rounds, found[BASELINE], strict=True)
        ratios = [each["answered_s"] / theirs["answered_s"] for each, theirs in pairs]
        line["times_transformers"] = round(statistics.median(ratios), 2)
        best = min(each["answered_s"] for each in found[BASELINE])
        line["best_times_transformers"] = round(times[0] / best, 2)
        for key in ("peak", "own", "mapped"):
            size = statistics.median(each[f"{key}_bytes"] for each in rounds)
            line[f"{key}_mb"] = round(size / 1e6)
        line["peak_times_weights"] = round(line["peak_mb"] * 1e6 / (4 * numbers), 2)
        yield line | where


def table_row(line: dict[str, Any]) -> str:
    low, high = line["answered_range_s"]
    return (
        f"{line['contestant']:<38} imports {line['imports_s']:.2f} s, "
        f"loaded {line['loaded_s']:.3f}, "
        f"answered {line['answered_s']:.3f} s ({low:.3f} to {high:.3f}) "
        f"× transformers {line['times_transformers']}, best {line['best_times_transformers']}; "
        f"peak {line['peak_mb']} MB "
        f"× weights {line['peak_times_weights']}; own {line['own_mb']}, mapped {line['mapped_mb']}"
    )


if __name__ == "__main__":
    sys.exit(main())
