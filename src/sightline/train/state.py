"""Everything a run needs to go on exactly, on disk. Enter at `save_state` and `load_state`."""

from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from sightline.checkpoints.replacement import previous_of, replacing, write_file
from sightline.errors import TrainingError
from sightline.model import CLIP

_TENSORS, _POSITION = "tensors.safetensors", "position.json"


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a run stands. Chance needs no state: each step draws from its own seed."""

    version: int = 1
    step: int  # steps done
    images: int  # images seen
    stream: dict[str, object]  # position in the data, inside a shard too
    best: float | None = None  # of the metric that selects


class Learner:
    """The parts of a run that change: network, its average, class heads, optimizer."""

    def __init__(
        self,
        model: CLIP,
        average: CLIP | None,
        heads: nn.ModuleDict,
        optimizer: torch.optim.AdamW,
        names: list[str],
    ) -> None:
        self.model = model
        self.average = average
        self.heads = heads
        self.optimizer = optimizer
        self.names = names  # of the optimizer's parameters, in its order

    def tensors(self) -> dict[str, Tensor]:
        """Return all of it by name."""
        tensors = {f"model/{name}": t for name, t in self.model.state_dict().items()}
        tensors |= {f"heads/{name}": t for name, t in self.heads.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average/{name}": t for name, t in self.average.state_dict().items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            for key, value in moments.items():
                tensors[f"optimizer/{self.names[number]}/{key}"] = value
        return tensors

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take all of it back.

        Raises:
            RuntimeError: The tensors are another network's.
        """
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = tensor
        self.model.load_state_dict(parts["model"])
        self.heads.load_state_dict(parts.get("heads", {}))
        if self.average is not None:
            self.average.load_state_dict(parts["average"])
        place = {name: number for number, name in enumerate(self.names)}
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts.get("optimizer", {}).items():
            parameter, _, key = name.rpartition("/")
            moments.setdefault(place[parameter], {})[key] = tensor
        saved = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": moments, "param_groups": saved["param_groups"]})


def save_state(folder: Path, learner: Learner, position: Position) -> None:
    """Write the state beside its place and rename it there.

    Raises:
        TrainingError: It cannot be written; the last state is untouched.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in learner.tensors().items()}
    try:
        with replacing(folder) as draft:
            write_file(draft / _TENSORS, save(tensors))
            write_file(draft / _POSITION, msgspec.json.encode(position))
    except OSError as error:
        raise TrainingError(
            f"the state of the run cannot be written to {folder} ({error.strerror or error}): "
            "free some space and resume; the state before it is untouched"
        ) from error


def load_state(folder: Path, learner: Learner) -> Position:
    """Read a state back into a learner.

    Raises:
        TrainingError: There is none, or it is of another recipe.
    """
    place = folder if folder.is_dir() else previous_of(folder)
    try:
        position = msgspec.json.decode((place / _POSITION).read_bytes(), type=Position)
        learner.load(load_file(place / _TENSORS))
    except OSError as error:
        raise TrainingError(
            f"there is no state to resume in {folder} ({error.strerror or error}): "
            "start without --resume"
        ) from error
    except (msgspec.MsgspecError, SafetensorError, KeyError, RuntimeError) as error:
        raise TrainingError(
            f"the state in {folder} is of another recipe or damaged ({error}): "
            "resume with the recipe it was made with, or start anew"
        ) from error
    return position
