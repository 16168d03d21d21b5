"""How far our engines are from what a library's own network says. Enter at `unlike`."""

from typing import Any

import numpy as np
import torch

from sightline.checkpoints import Checkpoint
from sightline.runtime import open_towers
from sightline.scoring.vectors import unit


def rows(end_id: int, length: int) -> np.ndarray:
    ids = np.random.default_rng(0).integers(2, 30, (3, length))
    ids[:, -1] = end_id
    return ids


def unlike(checkpoint: Checkpoint, model: Any, ids: np.ndarray) -> float:
    """Return how far both engines are from what the library's own network says."""
    pixels = np.random.default_rng(1).normal(size=(2, 3, 32, 32)).astype(np.float32)
    with torch.no_grad():
        if hasattr(model, "encode_image"):
            theirs: Any = (
                model.encode_image(torch.tensor(pixels), normalize=True),
                model.encode_text(torch.tensor(ids), normalize=True),
            )
        else:
            said = model(pixel_values=torch.tensor(pixels), input_ids=torch.tensor(ids))
            theirs = (said.image_embeds, said.text_embeds)
    apart = []
    for runtime in ("onnxruntime", "torch"):
        towers = open_towers(checkpoint, runtime=runtime)
        ours = (unit(towers.image(pixels)), unit(towers.text(ids)))
        apart += [np.abs(a - b.numpy()).max() for a, b in zip(ours, theirs, strict=True)]
    return float(max(apart))
