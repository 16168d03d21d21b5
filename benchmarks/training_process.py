"""Train one contestant of `training.py`, a step for each line that comes in on stdin.

Run `python benchmarks/training_process.py CONTESTANT FOLDER SETTINGS`; each step prints a line of
JSON with its seconds, its loss and the highest resident set so far. With OMP_NUM_THREADS=1 seconds
are those that the process computed.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

now = time.process_time if os.environ.get("OMP_NUM_THREADS") == "1" else time.perf_counter
PEERS = Path(__file__).resolve().parents[1] / "tests"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What all contestants train."""

    model: str
    batch: int
    micro_batch: int | None  # of ours; None: the whole batch at once
    tiny: bool


class Turns:
    """Waits for a turn, and says what came of it."""

    def __init__(self) -> None:
        self._started = 0.0

    def wait(self) -> None:
        """Return when it is this contestant's turn, or end the process."""
        if not sys.stdin.readline():
            os._exit(0)
        self._started = now()

    def done(self, loss: float) -> None:
        """Say how long the step took."""
        line = {"seconds": now() - self._started, "loss": loss}
        print(json.dumps(line | {"peak_bytes": peak()}), flush=True)


def peak() -> int:
    """Return the highest resident set of this process so far, in bytes."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return next(int(line[1]) * 1024 for line in lines if line[0] == "VmHWM:")


def sightline(folder: Path, settings: Settings, turns: Turns) -> None:
    """Train by `pretrain` itself, held up between steps where it is watched."""
    from sightline.spec.architectures import architecture
    from sightline.spec.document import spec_to_json
    from sightline.train import pretrain
    from sightline.train.recipe_file import recipe_from_json

    spec = {k: v for k, v in spec_to_json(architecture(settings.model)).items() if k != "version"}
    if settings.tiny:
        for tower in ("image", "text"):
            spec[tower] |= {"width": 64, "heads": 2, "layers": 2, "mlp_width": 128}
    stage = {"name": "all", "steps": 10**6, "towers": "both", "batch": settings.batch}
    stage |= {"lr": 1e-5, "lr_end": 1e-5, "warmup": 0, "losses": {"contrast": 1.0}}
    if settings.micro_batch:
        stage |= {"micro_batch": settings.micro_batch}
    source = {"name": "pictures", "uri": str(folder / "pictures.jsonl"), "share": 1.0}
    tree = {
        "name": "benchmark",
        "spec": spec,
        "sources": [source | {"reads": "captions", "terms": "none"}],
        "stages": [stage],
        "augment": {"store_px": 256},
        "precision": "bfloat16",
        "save_every": 10**6,
    }

    def watch(_: int, losses: Mapping[str, float]) -> None:
        turns.done(losses["contrast"])
        turns.wait()

    turns.wait()
    pretrain(recipe_from_json(tree), folder / f"run-{os.getpid()}", watch=watch)


def open_clip(folder: Path, settings: Settings, turns: Turns) -> None:
    """Train as OpenCLIP's `train_one_epoch` does with --precision amp_bfloat16."""
    sys.path.insert(0, str(PEERS))
    import torch

    import torchvision_standin

    package: Any = torchvision_standin.import_open_clip()
    if settings.tiny:
        towers = {"layers": 2, "width": 64}
        image = towers | {"image_size": 224, "patch_size": 32, "head_width": 32}
        model = package.CLIP(512, image, towers | {"heads": 2})
    else:
        model = package.create_model(settings.model)
    captions = [json.loads(line)["caption"] for line in (folder / "pictures.jsonl").open()]
    captions = (captions * (settings.batch // len(captions) + 1))[: settings.batch]
    images = torch.randn(settings.batch, 3, 224, 224)
    texts = package.get_tokenizer("ViT-B-32")(captions)
    named = list(model.named_parameters())
    is_free = {name for name, p in named if p.ndim < 2 or "bn" in name or "ln" in name}
    groups = [
        {"params": [p for n, p in named if n in is_free], "weight_decay": 0.0},
        {"params": [p for n, p in named if n not in is_free], "weight_decay": 0.2},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-5, betas=(0.9, 0.98), eps=1e-6)
    loss_of = package.ClipLoss()
    model.train()
    while True:
        turns.wait()
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(*model(images, texts)[:3])
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, 4.6052)
        turns.done(loss.item())


CONTESTANTS: Mapping[str, Callable[[Path, Settings, Turns], None]] = {
    "sightline": sightline,
    "open_clip": open_clip,
}


if __name__ == "__main__":
    name, place, chosen = sys.argv[1:]
    settings = msgspec.json.decode(chosen, type=Settings)
    CONTESTANTS[name.partition(",")[0]](Path(place), settings, Turns())
