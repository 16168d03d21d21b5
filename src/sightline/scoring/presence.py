"""What a score means, and "none of these": its one place. Enter at `score`.

Without a calibration a softmax head gives *shares*: they sum to one over the labels given, however
wrong all of them are. A sigmoid head gives each label a number of its own, which was a probability
only among the pairs of its training batches. Neither can say "none of these".

A `Calibration` adds what is missing: a temperature, and the logit of a null answer that labels have
to beat. With label logits z, temperature T and null logit n:

    softmax   share of label i   exp(z_i / T) / (exp(n / T) + sum_j exp(z_j / T))
              none of these      exp(n / T)   / (exp(n / T) + sum_j exp(z_j / T))
    sigmoid   label i            1 / (1 + exp(-(z_i - n) / T))
              none of these      product over labels of (1 - its probability)
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from sightline.errors import CheckpointError
from sightline.scoring.heads import Head
from sightline.shapes import Float


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was fitted on labelled pictures so that a model's scores mean something."""

    temperature: float  # logits are divided by it; above 1 makes a model less sure of itself
    null_logit: float  # of the answer "none of these", on the scale of the model's own logits
    fitted_on: str  # the pictures and the protocol, in words for a reader

    def __post_init__(self) -> None:
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise CheckpointError(
                f"calibration temperature is {self.temperature}: it must be a positive number"
            )
        if not np.isfinite(self.null_logit):
            raise CheckpointError(
                f"calibration null_logit is {self.null_logit}: it must be a finite number"
            )


def calibration_from(document: Mapping[str, Any]) -> Calibration:
    """Read a model folder's calibration.json.

    Raises:
        CheckpointError: A key is missing, unknown, or of the wrong type.
    """
    try:
        return msgspec.convert(dict(document), Calibration)
    except msgspec.ValidationError as error:
        raise CheckpointError(
            f"calibration.json is not a calibration ({error}): fit it again or remove the file"
        ) from error


def score(
    head: Head,
    logits: Float[np.ndarray, "images classes"],
    calibration: Calibration | None,
    none_of_these: bool | None,
) -> tuple[Float[np.ndarray, "images classes"], Float[np.ndarray, " images"] | None]:
    """Turn logits into scores, and into the score of "none of these" where it has a meaning.

    Args:
        head: Decides whether labels share one whole.
        logits: The model's own, as `Head.logits` gives them.
        calibration: The model's, or None.
        none_of_these: None turns it on exactly where the model is calibrated.

    Raises:
        CheckpointError: "None of these" is wanted from a model that carries no calibration.
    """
    wanted = calibration is not None if none_of_these is None else none_of_these
    if calibration is None:
        if wanted:
            raise CheckpointError(
                "this model carries no calibration, so it cannot say 'none of these': "
                "fit one, or leave none_of_these off"
            )
        return _WITHOUT_NULL[head.kind](logits), None
    scaled = logits / calibration.temperature
    null = calibration.null_logit / calibration.temperature
    scores, none = _WITH_NULL[head.kind](scaled, null)
    if wanted:
        return scores, none
    return (_softmax(scaled) if head.kind == "softmax" else scores), None


def _softmax(logits: Float[np.ndarray, "images classes"]) -> Float[np.ndarray, "images classes"]:
    """Share one whole among the columns of each row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Float[np.ndarray, "images classes"] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _sigmoid(logits: Float[np.ndarray, "images classes"]) -> Float[np.ndarray, "images classes"]:
    """Judge each column by itself; tanh does not overflow."""
    judged: Float[np.ndarray, "images classes"] = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return judged


def _softmax_with_null(
    logits: Float[np.ndarray, "images classes"], null: float
) -> tuple[Float[np.ndarray, "images classes"], Float[np.ndarray, " images"]]:
    """Let a null answer compete as one more column."""
    shares = _softmax(np.column_stack([logits, np.full(len(logits), null)]))
    return shares[:, :-1], shares[:, -1]


def _sigmoid_with_null(
    logits: Float[np.ndarray, "images classes"], null: float
) -> tuple[Float[np.ndarray, "images classes"], Float[np.ndarray, " images"]]:
    """Measure each label against the null answer; none holds where every label fails."""
    scores = _sigmoid(logits - null)
    return scores, np.prod(1.0 - scores, axis=1)


_WITHOUT_NULL: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "softmax": _softmax,
    "sigmoid": _sigmoid,
}
_WITH_NULL: Mapping[str, Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]] = {
    "softmax": _softmax_with_null,
    "sigmoid": _sigmoid_with_null,
}
