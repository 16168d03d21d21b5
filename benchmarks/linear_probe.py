"""How much the image vectors know of a labelled set, beside what its prompts get out of them.

    python benchmarks/linear_probe.py SET [MODEL]

A linear classifier (multinomial logistic regression, five folds) is fitted on the image vectors of
the set itself. Where it is far above the prompts, the images are told apart and the words are in
the wrong place; where it is not, the image tower is what is missing.
"""

import sys
from collections.abc import Iterable

import numpy as np
import torch
from torch.nn import functional as F

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


def show(name: str, right: np.ndarray, examples: Iterable[Example]) -> None:
    """Print the share that is right, in all and by the first group of the set."""
    groups = np.array([next(iter(e.group.values()), "") if e.group else "" for e in examples])
    parts = [f"{group} {right[groups == group].mean():.3f}" for group in sorted(set(groups) - {""})]
    print("  ".join([f"{name:8}{right.mean():.3f}", *parts]))


def main() -> None:
    """Embed the set, then classify it both ways."""
    examples = [e for e in open_source(sys.argv[1], name="probed") if e.label is not None]
    model = sightline.load(*sys.argv[2:3])
    names = sorted({str(e.label) for e in examples})
    classes = np.array([names.index(str(e.label)) for e in examples])
    vectors = model.embed_images([e.image for e in examples])
    show("prompts", (vectors @ model.embed_texts(names).T).argmax(axis=1) == classes, examples)
    show("linear", probe(vectors, classes, len(names)) == classes, examples)


if __name__ == "__main__":
    main()
