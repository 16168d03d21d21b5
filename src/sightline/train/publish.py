"""From the weights of a run to a model folder that anybody can open."""

import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from sightline import checkpoints
from sightline.checkpoints import Record
from sightline.errors import TrainingError
from sightline.model import CLIP
from sightline.runtime.export import export_graphs
from sightline.train.recipe import Recipe

_PACKAGES = ("sightline", "torch", "numpy", "pillow", "tokenizers")


def record_of(recipe: Recipe, begun_from: Record | None) -> Record:
    """Return where a run's model comes from; what binds the model it began from binds it too."""
    origin = f"pretrained by Sightline with the recipe {recipe.name!r}"
    terms, data = recipe.license, _sources(recipe)
    if begun_from is not None:
        origin += f", from a model {begun_from.origin}"
        data = [*begun_from.training_data, *data]
        if begun_from.license != terms:
            terms += f"; and, of the model that it began from, {begun_from.license}"
    return Record(
        origin=origin,
        license=terms,
        training_data=tuple(dict.fromkeys(data)),
        created_with={
            "python": platform.python_version(),
            **{package: version(package) for package in _PACKAGES},
        },
    )


def publish(model: CLIP, record: Record, folder: Path, tokenizer_file: Path | None) -> None:
    """Write a model folder in half precision, with graphs that run without torch.

    Statistics of batch norms stay in single precision: small variances would be lost.

    Raises:
        CheckpointError: It cannot be written; a folder from before is untouched.
        TrainingError: A weight is not finite, or beyond half precision.
    """
    checkpoints.write(
        folder,
        spec=model.spec,
        tensors={name: _stored(name, t) for name, t in model.state_dict().items()},
        record=record,
        tokenizer_file=tokenizer_file,
    )
    export_graphs(folder)


def _stored(name: str, tensor: torch.Tensor) -> np.ndarray:
    array = tensor.detach().cpu().numpy()
    if not np.isfinite(array).all():
        raise TrainingError(f"{name} is not finite: begin a new run with a lower learning rate")
    is_weight = tensor.is_floating_point() and tensor.ndim > 0 and "running_" not in name
    if not is_weight:
        return array
    if np.abs(array).max(initial=0.0) > np.finfo(np.float16).max:
        raise TrainingError(
            f"{name} has weights beyond half precision: begin a new run with a lower learning rate"
        )
    return array.astype(np.float16)


def _sources(recipe: Recipe) -> list[str]:
    lines = [f"{part.name}: {part.terms}" for part in recipe.sources]
    if recipe.relations is not None:
        lines.append(f"relations between names: {recipe.relations.source}")
    return lines
