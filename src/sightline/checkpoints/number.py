"""A tensor that is one number, such as the scale that training ended with. Enter at `number_of`."""

import math

from sightline.checkpoints.weights import Weights
from sightline.errors import CheckpointError

MOST = 700.0  # beyond it the exponential of a logit_scale is no number


def number_of(weights: Weights, name: str, most: float = MOST) -> float:
    """Return the number that a tensor is.

    Args:
        weights: Opened files.
        name: The tensor, by its name in them.
        most: How far from zero it may be.

    Raises:
        CheckpointError: It is missing, several numbers, or none that can be worked with.
    """
    if name not in weights:
        raise CheckpointError(f"{weights.path} lacks {name}: restore it from where it came from")
    shape = weights.place(name).shape
    if math.prod(shape) != 1:
        raise CheckpointError(
            f"{weights.path} has {name} of shape {list(shape)}, which is to be one number: restore "
            "it from where it came from"
        )
    number = float(weights[name].item())
    if not abs(number) <= most:  # nor NaN
        raise CheckpointError(
            f"{weights.path} has the {name} {number:g}, which no training ends with: restore it "
            "from where it came from"
        )
    return number
