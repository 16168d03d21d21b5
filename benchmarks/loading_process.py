"""Open a folder and ask its towers once, as `loading.py` has it done in a fresh process.

Run `python benchmarks/loading_process.py CONTESTANT FOLDER "image text"`; prints a line of JSON.
With OMP_NUM_THREADS=1 every engine has one thread, and seconds are those that it computed.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

PEERS = Path(__file__).resolve().parents[1] / "tests"
ONE_THREAD = os.environ.get("OMP_NUM_THREADS") == "1"
now = time.process_time if ONE_THREAD else time.perf_counter
Answers = Mapping[str, Callable[[np.ndarray], Any]]


def sightline(folder: str, runtime: str = "onnxruntime") -> Callable[[], Answers]:
    from sightline.embedder import load, opening
    from sightline.runtime import onnx_session, onnx_towers  # noqa: F401

    if ONE_THREAD:  # ONNX Runtime does not heed the variable
        opening.open_towers = partial(opening.open_towers, threads=1)

    if runtime == "torch":
        import sightline.runtime.torch_towers  # noqa: F401
    else:
        onnx_session.engine()

    def opened() -> Answers:
        towers = load(folder, runtime=runtime).towers
        return {"image": towers.image, "text": towers.text}

    return opened


def transformers(folder: str) -> Callable[[], Answers]:
    sys.modules["torchvision"] = None  # type: ignore[assignment]
    import torch
    from transformers import CLIPModel

    def opened() -> Answers:
        model: Any = CLIPModel.from_pretrained(folder, dtype=torch.float32)
        return _torch_answers(
            lambda pixels: model.get_image_features(pixel_values=pixels).pooler_output,
            lambda ids: model.get_text_features(input_ids=ids).pooler_output,
        )

    return opened


def open_clip(folder: str) -> Callable[[], Answers]:
    sys.path.insert(0, str(PEERS))
    import torchvision_standin

    package: Any = torchvision_standin.import_open_clip()

    def opened() -> Answers:
        model = package.create_model(f"local-dir:{folder}").eval()
        return _torch_answers(model.encode_image, model.encode_text)

    return opened


def _torch_answers(image: Callable[[Any], Any], text: Callable[[Any], Any]) -> Answers:
    import torch

    def asked(tower: Callable[[Any], Any]) -> Callable[[np.ndarray], Any]:
        def answer(rows: np.ndarray) -> Any:
            with torch.inference_mode():
                return tower(torch.from_numpy(rows)).numpy()

        return answer

    return {"image": asked(image), "text": asked(text)}


# Each imports all that it needs, and hands back how it opens the folder.
PREPARED: Mapping[str, Callable[..., Callable[[], Answers]]] = {
    "sightline": sightline,
    "transformers": transformers,
    "open_clip": open_clip,
}


def measured(contestant: str, folder: str, towers: str) -> dict[str, Any]:
    """Open a folder and ask its towers, in this process, which must be fresh."""
    draw = np.random.default_rng(0)
    rows = {
        "image": draw.standard_normal((1, 3, 224, 224)).astype(np.float32),
        "text": np.array([[49406, 320, 1125, 539, 320, 2368, *[49407] * 71]]),
    }
    start = now()
    opened = PREPARED[contestant.partition(",")[0]](
        folder, *["torch"] * contestant.endswith("torch")
    )
    imports_s = now() - start
    before = resident()["VmRSS"]
    Path("/proc/self/clear_refs").write_text("5")  # the highest resident set is now this one
    start = now()
    answers = opened()
    loaded_s = now() - start
    vectors = {tower: answers[tower](rows[tower])[0] for tower in towers.split()}
    answered_s = now() - start
    after = resident()
    return {
        "imports_s": imports_s,
        "loaded_s": loaded_s,
        "answered_s": answered_s,
        "peak_bytes": after["VmHWM"] - before,
        "own_bytes": after["RssAnon"],
        "mapped_bytes": after["RssFile"],
        "vectors": {
            tower: (each / np.linalg.norm(each)).tolist() for tower, each in vectors.items()
        },
    }


def resident() -> dict[str, int]:
    """Return what the system says of this process's memory, in bytes."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0][:-1]: int(line[1]) * 1024 for line in lines if line[-1:] == ["kB"]}


if __name__ == "__main__":
    print(json.dumps(measured(*sys.argv[1:])))
