"""Everything a run needs to go on exactly, on disk. Enter at `save_state` and `find_state`."""

from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from sightline.checkpoints.replacement import previous_of, replacing, write_file
from sightline.errors import TrainingError
from sightline.model import CLIP

STATE = "state"  # in a run folder
_TENSORS, _POSITION = "tensors.safetensors", "position.json"


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a run stands. Chance needs no state: each step draws from its own seed."""

    version: int = 1
    step: int  # steps done
    images: int  # images seen
    stream: dict[str, object]  # position in the data, inside a shard too
    best: float | None = None  # of the metric that selects
    best_of: str | None = None  # which metric that was

    @classmethod
    def at_start(cls) -> "Position":
        """Return where a new run stands."""
        return cls(step=0, images=0, stream={})


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
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts.get("optimizer", {}).items():
            parameter, _, key = name.rpartition("/")
            number = place[parameter]
            moments.setdefault(number, {})[key] = _laid_out_as(parameters[number], tensor)
        saved = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": moments, "param_groups": saved["param_groups"]})


def _laid_out_as(parameter: Tensor, moment: Tensor) -> Tensor:
    """Return a moment in the memory layout of its parameter.

    The fused AdamW walks both by address: under channels-last kernels a moment in another layout
    would go to other weights, silently.
    """
    if moment.shape != parameter.shape:
        return moment
    return torch.empty_like(parameter, dtype=moment.dtype).copy_(moment)


def save_state(folder: Path, learner: Learner, position: Position) -> None:
    """Write the state beside its place and rename it there.

    Raises:
        TrainingError: It cannot be written; the last state is untouched.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in learner.tensors().items()}
    bad = [name for name, t in tensors.items() if t.is_floating_point() and not t.isfinite().all()]
    if bad:
        raise TrainingError(
            f"{bad[0]} is not finite after step {position.step}, and the state before it is kept: "
            "begin a new run with a lower learning rate"
        )
    try:
        with replacing(folder) as draft:
            write_file(draft / _TENSORS, save(tensors))
            write_file(draft / _POSITION, msgspec.json.encode(position))
    except OSError as error:
        raise TrainingError(
            f"the state of the run cannot be written to {folder} ({error.strerror or error}): "
            "free some space and resume; the state before it is untouched"
        ) from error


def find_state(folder: Path) -> Path | None:
    """Return where the last whole state is, or None.

    A run killed while it put a new state in place has it under another name.
    """
    return next((place for place in (folder, previous_of(folder)) if place.is_dir()), None)


def read_position(state: Path) -> Position:
    """Return how far a state is.

    Raises:
        TrainingError: It cannot be read.
    """
    try:
        return msgspec.json.decode((state / _POSITION).read_bytes(), type=Position)
    except (OSError, msgspec.MsgspecError) as error:
        raise _unreadable(state, error) from error


def steps_done(run: Path) -> int:
    """Return how many steps of a run are saved; 0 where there is no state yet."""
    state = find_state(run / STATE)
    return 0 if state is None else read_position(state).step


def load_state(state: Path, learner: Learner) -> Position:
    """Read a state back into a learner.

    Raises:
        TrainingError: It cannot be read, or is of another recipe.
    """
    position = read_position(state)
    try:
        learner.load(load_file(state / _TENSORS))
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise _unreadable(state, error) from error
    return position


def _unreadable(state: Path, error: Exception) -> TrainingError:
    reason = str(error).splitlines()[0]
    return TrainingError(
        f"the state in {state} is damaged or of another recipe ({reason}): begin a new run"
    )
