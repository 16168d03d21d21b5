"""One model as files. Enter at `Checkpoint`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from sightline.checkpoints.digests import PARTS, Part, digests, part_digests
from sightline.checkpoints.json_file import read_bytes
from sightline.checkpoints.manifest import Record, TensorRecord, fingerprint
from sightline.checkpoints.names import some
from sightline.checkpoints.weights import Weights
from sightline.errors import CheckpointError
from sightline.spec.towers import Spec


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """What a model is, where it comes from, and its tensors, none of them read yet."""

    folder: Path  # where its files lie
    layout: str  # whose files they are: "sightline", "huggingface", "openclip", "openai"
    spec: Spec
    record: Record
    weights: Weights
    tokenizer_file: Path | None = None  # None where the tokenizer is CLIP's own
    listed: Mapping[str, TensorRecord] | None = None  # what its own record says of each tensor
    calibration: Mapping[str, Any] | None = None  # as it stands; scoring understands it
    remarks: tuple[str, ...] = ()  # what was corrected, and where libraries differ about it

    @property
    def origin(self) -> str:
        """Who made the model and how."""
        return self.record.origin

    @property
    def license(self) -> str:
        """The terms of the weights."""
        return self.record.license

    @property
    def training_data(self) -> tuple[str, ...]:
        """What the model has seen, a line for each source."""
        return self.record.training_data

    @cached_property
    def tensors(self) -> Mapping[str, TensorRecord]:
        """Each tensor with its digest; those of a published file are computed once and kept."""
        return digests(self.weights) if self.listed is None else self.listed

    @cached_property
    def tokenizer(self) -> str | None:
        """The sha256 of the tokenizer's file; None where the tokenizer is CLIP's own."""
        path = self.tokenizer_file
        return None if path is None else sha256(read_bytes(path)).hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """The name of exactly this model: weights, spec (pixels and words too) and tokenizer.

        The same in every layout that says the same of it.
        """
        return fingerprint(self.spec, self.tensors, self.tokenizer)


def verify_digests(checkpoint: Checkpoint, parts: Sequence[Part] = PARTS) -> None:
    """Compare every tensor with the digest that the model's record has for it.

    Files that were compared before and have not changed since are not read again. A published
    file without a record of digests has nothing to be compared with.

    Args:
        checkpoint: An opened model.
        parts: Which of its parts: "image", "text", and "head" for what is of neither tower.

    Raises:
        CheckpointError: A tensor changed since it was written; names three of them.
    """
    if checkpoint.listed is None:
        return
    listed, weights = checkpoint.listed, checkpoint.weights
    found = {name: one for part in parts for name, one in part_digests(weights, part).items()}
    changed = [
        name for name in listed if name in found and found[name].sha256 != listed[name].sha256
    ]
    if changed:
        raise CheckpointError(
            f"{checkpoint.weights.path} has {some(changed)} changed since sightline.json was "
            "written: restore the file from where the model came from"
        )
