"""How much the image vectors know of a labelled set, beside what its prompts get out of them.

    python benchmarks/linear_probe.py SET [--model MODEL]

A linear classifier (multinomial logistic regression, five folds) is fitted on the image vectors of
the set itself. Where it is far above the prompts, the images are told apart and the words are in
the wrong place; where it is not, the image tower is what is missing. `--tiny` takes crops of three
photos, which only proves that it runs; `--json` prints one line for each way.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from setting import setting
from torch.nn import functional as F
from toy_set import toy_set

import sightline
from sightline.data import Example, open_source

FOLDS, PENALTY, STEPS = 5, 1e-2, 200


def fit(vectors: torch.Tensor, classes: torch.Tensor, count: int) -> torch.Tensor:
    """Return the weights of a classifier, its bias the last row."""
    weights = torch.zeros(vectors.shape[1], count, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(vectors @ weights, classes) + PENALTY * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach()


def probe(vectors: np.ndarray, classes: np.ndarray, count: int) -> np.ndarray:
    """Return the class of each vector by a classifier that was fitted without its fold."""
    centred = 10 * torch.from_numpy(vectors - vectors.mean(axis=0))
    rows = torch.cat([centred, torch.ones(len(centred), 1)], dim=1)
    fold = np.random.default_rng(0).integers(0, FOLDS, len(rows))
    said = np.zeros(len(rows), dtype=int)
    for number in range(FOLDS):
        weights = fit(rows[fold != number], torch.from_numpy(classes[fold != number]), count)
        said[fold == number] = (rows[fold == number] @ weights).argmax(dim=1).numpy()
    return said


def line_of(way: str, right: np.ndarray, examples: Sequence[Example]) -> dict[str, Any]:
    """Return the share that is right, in all and by the first group of the set."""
    groups = np.array([next(iter(e.group.values()), "") if e.group else "" for e in examples])
    shares = {str(one): float(right[groups == one].mean()) for one in sorted(set(groups) - {""})}
    line = {"question": "what image vectors know of a set", "contestant": way}
    return line | {"right": float(right.mean()), "groups": shares, "pictures": len(right)}


def table_row(line: dict[str, Any]) -> str:
    parts = [f"{group} {share:.3f}" for group, share in line["groups"].items()]
    return "  ".join([f"{line['contestant']:8}{line['right']:.3f}", *parts])


def probed(uri: str, model: str | None) -> list[dict[str, Any]]:
    """Embed the set, then classify it both ways."""
    examples = [e for e in open_source(uri, name="probed") if e.label is not None]
    embedder = sightline.load(model)
    names = sorted({str(e.label) for e in examples})
    classes = np.array([names.index(str(e.label)) for e in examples])
    vectors = embedder.embed_images([e.image for e in examples])
    prompted = (vectors @ embedder.embed_texts(names).T).argmax(axis=1)
    fitted = probe(vectors, classes, len(names))
    return [
        line_of("prompts", prompted == classes, examples),
        line_of("linear", fitted == classes, examples),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("set", nargs="?", help="any source of labelled pictures")
    parser.add_argument("--model", help="a folder or a name; else the bundled one")
    parser.add_argument("--tiny", action="store_true", help="crops of three photos as the set")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args()
    if asked.set is None and not asked.tiny:
        parser.error("name a SET")
    with TemporaryDirectory() as place:
        uri = str(toy_set(Path(place) / "set")) if asked.tiny else asked.set
        for line in probed(uri, asked.model):
            whole = line | setting(("sightline", "onnxruntime", "torch"))
            print(json.dumps(whole) if asked.json else table_row(line))


if __name__ == "__main__":
    main()
