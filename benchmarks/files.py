"""How fast do JPEG files become vectors, ours, the peers' and by hand, beside the limit here?

Run `python benchmarks/files.py`; `--tiny` only proves that it runs; `--json` prints one line for
each contestant. transformers writes a random ViT-B/32 once; the photos of `photos/` are written at
640 × 480 and at 12 megapixels; all take turns, round after round, in one process.

"as used" is what a library does when it is called as its page says, "by hand" the quickest that
somebody who knows the engines glues together: a pool of threads decodes a batch ahead, and OpenVINO
takes 16 at once. By hand a JPEG is decoded as small as the model's own size, which moves its
numbers (`benchmarks/pictures.py` says by how much); ours with "fast" does the same. The limit is
worked out of two figures of this run: reading alone on all cores, and the tower alone on all cores,
one after the other.

It needs torch, transformers, onnx, openvino. `--nncf PYTHON` as in `towers.py`.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from pictures import PHOTOS, SIZES, enlarged
from PIL import Image
from random_model import write_models
from setting import at_least_one, setting
from towers import closeness, paces, timed, unit
from towers_entered import Entered, vectors

import sightline
from sightline import images
from sightline.embedder import Embedder
from sightline.runtime.onnx_towers import PACKED_AT
from sightline.spec.architectures import architecture
from sightline.spec.pixels import PixelRecipe

BASELINE = "transformers float32, as used"
BATCH = 16
COUNT: Mapping[str, int] = {"640 × 480": 32, "12 megapixels": 16}  # files of a size
BUNDLED = "the bundled model"
IN = (("onnxruntime", "float32"), ("openvino", "bfloat16"))  # the bundled model, which has both
FAST = ("sightline, openvino bfloat16", "sightline, openvino int8", f"{BUNDLED}, openvino bfloat16")
Run = Callable[[], np.ndarray]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tiny", action="store_true", help="a model of 20 MB, 2 files, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--rounds", type=at_least_one, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--nncf", help="the Python of an environment with openvino and nncf")
    asked = parser.parse_args()
    rounds = 1 if asked.tiny else asked.rounds
    import torch

    torch.set_num_threads(asked.threads)
    packages = ("sightline", "onnxruntime", "openvino", "pillow", "torch", "transformers")
    where = setting(packages) | {"threads": asked.threads}
    with TemporaryDirectory() as place:
        os.environ["SIGHTLINE_HOME"] = str(Path(place) / "home")
        write_models(Path(place), tiny=asked.tiny)
        entered = Entered(Path(place), asked.threads, asked.nncf)
        for size in SIZES:
            files = written(Path(place), size, 2 if asked.tiny else COUNT[size])
            for line in size_lines(entered, size, files, rounds):
                print(json.dumps(line | where) if asked.json else table_row(line), flush=True)
    return 0


def written(place: Path, size: str, count: int) -> list[Path]:
    """Write photos of a size; each is a file of its own."""
    folder = place / f"photos-{SIZES[size][0]}"
    folder.mkdir()
    own = sorted(PHOTOS.glob("*.jpg"))
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(enlarged(own[number % len(own)], SIZES[size]))
    return paths


def by_others(entered: Entered, files: Sequence[Path]) -> dict[str, Run]:
    """Return the peers and what is made by hand."""
    run: dict[str, Run] = {
        BASELINE: lambda: by_transformers(entered, files),
        "onnxruntime int8 dynamic with Pillow, as used": one_by_one(entered, files),
    }
    kinds = {"bf16": None} | ({} if entered.nncf is None else {"int8 by nncf": entered.nncf})
    for kind, nncf in kinds.items():
        tower = (
            entered.by_openvino("image", "bf16")
            if nncf is None
            else entered.by_openvino("image", "f32", entered.by_nncf(nncf, "image"))
        )
        run[f"openvino {kind} with Pillow, smaller, pooled, by hand"] = pooled(tower, files)
    return run


def ours(entered: Entered) -> dict[str, Embedder]:
    """Return the random model in each engine and the bundled one, some of them reading fast."""
    models = dict(entered.embedders)
    for runtime, precision in IN:
        bundled = sightline.load(runtime=runtime, precision=precision)
        models[f"{BUNDLED}, {runtime} {precision}"] = bundled
    return models | {f"{name}, fast": fast(models[name]) for name in FAST}


def size_lines(
    entered: Entered, size: str, files: Sequence[Path], rounds: int
) -> Iterator[dict[str, Any]]:
    """Race all on files of one size."""
    run, models = by_others(entered, files), ours(entered)
    for name, embedder in models.items():
        run[name] = lambda one=embedder: one.embed_images(list(files))  # type: ignore[misc]
    answers = {name: unit(one()) for name, one in run.items()}
    for name in (name for name in models if "onnxruntime" in name):
        for _ in range(PACKED_AT * BATCH // len(files) if rounds > 1 else 0):
            run[name]()  # that engine packs its weights once it is used often
    parts = {name: both_parts(embedder, files) for name, embedder in models.items()}
    seconds: dict[str, list[float]] = {name: [] for name in run}
    reading: dict[str, list[float]] = {name: [] for name in parts}
    tower_alone: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(rounds):
        for name, one in run.items():
            seconds[name].append(timed(one))
        for name, (read, compute) in parts.items():
            reading[name].append(timed(read))
            tower_alone[name].append(timed(compute))
    for name, taken in seconds.items():
        line: dict[str, Any] = {"question": "JPEG files to vectors", "size": size}
        line |= {"contestant": name, "rounds": rounds}
        line |= paces(seconds, taken, len(files))
        if name in parts:
            read_s, tower_s = min(reading[name]), min(tower_alone[name])
            line["reading_per_s"] = round(len(files) / read_s, 1)
            line["tower_per_s"] = round(len(files) / tower_s, 1)
            line["of_both_in_turn"] = round((read_s + tower_s) / min(taken), 2)
            line["of_the_slower"] = round(max(read_s, tower_s) / min(taken), 2)
        if not name.startswith(BUNDLED):
            line["cosine"] = round(closeness(answers[BASELINE], answers[name])[0], 6)
        yield line


def fast(embedder: Embedder) -> Embedder:
    """Return one that reads JPEGs as `load(jpegs="fast")` has it."""
    pixels = msgspec.structs.replace(embedder.spec.pixels, jpegs="fast")
    return msgspec.structs.replace(
        embedder, spec=msgspec.structs.replace(embedder.spec, pixels=pixels)
    )


def by_transformers(entered: Entered, files: Sequence[Path]) -> np.ndarray:
    """Read, prepare and encode as the page of the model says."""
    model = entered.transformers  # first: it keeps transformers from importing torchvision
    import torch
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    processor, found = CLIPImageProcessorPil(), []
    for batch in batches(files):
        given = processor([Image.open(path) for path in batch], return_tensors="pt")
        with torch.inference_mode():
            found.append(vectors(model.get_image_features(**given)))
    return np.concatenate(found)


def one_by_one(entered: Entered, files: Sequence[Path]) -> Run:
    """Read and encode in turn, whole pictures, as scripts on the web do."""
    tower, recipe = entered.by_onnxruntime("image", dynamic=True), entered.spec.pixels

    def run() -> np.ndarray:
        found = []
        for batch in batches(files):
            pixels = [recipe.apply(np.asarray(Image.open(path).convert("RGB"))) for path in batch]
            found.append(tower(np.stack(pixels)))
        return np.concatenate(found)

    return run


def pooled(tower: Callable[[np.ndarray], np.ndarray], files: Sequence[Path]) -> Run:
    """Decode a batch ahead in as many threads as there are cores, as small as still looks right."""
    recipe = architecture("ViT-B-32").pixels

    def decoded(path: Path) -> np.ndarray:
        picture = Image.open(path)
        picture.draft("RGB", (recipe.size_px, recipe.size_px))
        pixels: np.ndarray = recipe.apply(picture.convert("RGB"))
        return pixels

    def run() -> np.ndarray:
        found = []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            ahead = [pool.submit(decoded, path) for path in files[:BATCH]]
            for number, _ in enumerate(batches(files)):
                now = ahead
                following = files[(number + 1) * BATCH : (number + 2) * BATCH]
                ahead = [pool.submit(decoded, path) for path in following]
                found.append(tower(np.stack([one.result() for one in now])))
        return np.concatenate(found)

    return run


def both_parts(embedder: Embedder, files: Sequence[Path]) -> tuple[Run, Run]:
    """Return reading alone, on all cores, and the tower alone, on the same pictures."""
    recipe: PixelRecipe = embedder.spec.pixels

    def pixels(path: Path) -> np.ndarray:
        made: np.ndarray = recipe.apply(*images.read_reduced(path, recipe.reduction))
        return made

    def read() -> np.ndarray:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.stack(list(pool.map(pixels, files)))

    ready = read()
    return read, lambda: np.concatenate([embedder.towers.image(one) for one in batches(ready)])


def batches(rows: Any) -> list[Any]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def table_row(line: Mapping[str, Any]) -> str:
    limit = ""
    if "of_both_in_turn" in line:
        limit = (
            f"reading alone {line['reading_per_s']}, tower alone {line['tower_per_s']}: "
            f"{line['of_both_in_turn']:.0%} of both in turn, "
            f"{line['of_the_slower']:.0%} of the slower"
        )
    return (
        f"{line['size']:14} {line['contestant']:56} {line['per_s']:7} /s, best "
        f"{line['best_per_s']:7}; × transformers {line['times_transformers']:5}, "
        f"× the quickest by hand {line['times_by_hand']:5}; "
        f"cosine {line.get('cosine', 'other weights')}  {limit}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
