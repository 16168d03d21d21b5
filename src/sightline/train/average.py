"""A slowly moving average of the weights: what is measured and kept."""

import torch

from sightline.model import CLIP


@torch.no_grad()
def update_average(average: CLIP, model: CLIP, decay: float, updates: int) -> None:
    """Move the average a little towards the model (Polyak and Juditsky, 1992).

    Early on the average follows closely: the decay is at most (1 + updates) / (10 + updates), as in
    TensorFlow's ExponentialMovingAverage. Counters of batch norms are copied.
    """
    decay = min(decay, (1 + updates) / (10 + updates))
    ours, theirs = average.state_dict(), model.state_dict()
    floating = [name for name, tensor in ours.items() if tensor.is_floating_point()]
    torch._foreach_lerp_(
        [ours[name] for name in floating], [theirs[name] for name in floating], 1 - decay
    )
    for name in ours.keys() - set(floating):
        ours[name].copy_(theirs[name])
