"""From cosines to the logits that a model was trained with. Enter at `Head`."""

import math
from typing import Literal

import msgspec
import numpy as np

from sightline.shapes import Float, Float32


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trained head: how much a cosine weighs, and whether labels compete."""

    kind: Literal["softmax", "sigmoid"]  # labels share one whole, or each is judged by itself
    scale: float  # the exponential of the stored logit_scale
    bias: float = 0.0  # sigmoid only

    def logits(
        self, cosines: Float32[np.ndarray, "images classes"]
    ) -> Float[np.ndarray, "images classes"]:
        """Return logits in double precision, because they go into exponentials."""
        logits: Float[np.ndarray, "images classes"] = (
            cosines.astype(np.float64) * self.scale + self.bias
        )
        return logits


def softmax_head(logit_scale: float) -> Head:
    """Make the head of a softmax model from its stored logarithm.

    Training clamps what it stores; whoever trained without a clamp meant what is there.
    """
    return Head(kind="softmax", scale=math.exp(logit_scale))


def sigmoid_head(logit_scale: float, logit_bias: float) -> Head:
    """Make the head of a sigmoid model from its stored logarithm and bias."""
    return Head(kind="sigmoid", scale=math.exp(logit_scale), bias=logit_bias)
