"""Whole tiny runs, for tests of several files. Enter at `learnt`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

import sightline
from sightline.data import Source, open_source
from sightline.embedder import Embedder
from sightline.evaluate import run as evaluate
from sightline.train import Trained, pretrain
from sightline.train.recipe_file import recipe_from_json
from tiny_training import recipe_tree, stage


def measure(embedder: Embedder, source: Source) -> Mapping[str, float]:
    result = evaluate(embedder, source)
    return {f"{result.dataset}/{name}": value for name, value in result.metrics.items()}


class Watched:
    """Remembers the losses of each step."""

    def __init__(self, stop_at: int = 0) -> None:
        self.losses: list[dict[str, float]] = []
        self._stop_at = stop_at
        self._asked = 0

    def __call__(self, examples: int, losses: Mapping[str, float]) -> None:
        self.losses.append(dict(losses))

    def stop(self) -> bool:
        self._asked += 1
        return self._asked == self._stop_at


def learnt(sets: Path, folder: Path, **changes: Any) -> tuple[Trained, Watched]:
    """Train both towers for some dozen steps."""
    stages = [stage("all", steps=60, batch=16, lr=1e-2, warmup=5)]
    fields: dict[str, Any] = {"stages": stages, "ema": 0.0, "augment": {"store_px": 16}}
    watched = Watched()
    tree = recipe_tree(sets, **(fields | {"save_every": 1000} | changes))
    trained = pretrain(recipe_from_json(tree), folder, watch=watched, measure=measure)
    return trained, watched


def accuracy(model: Path, source: Path) -> float:
    return float(evaluate(sightline.load(model), open_source(source)).metrics["acc1"])


def same_weights(one: Path, other: Path) -> bool:
    ours, theirs = (load_file(run / "state" / "tensors.safetensors") for run in (one, other))
    return ours.keys() == theirs.keys() and all(
        np.array_equal(ours[name], theirs[name]) for name in ours
    )
