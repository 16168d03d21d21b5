"""What our network says of a case, stage by stage, and how far that is. Enter at `our_stages`."""

import json
from pathlib import Path

import msgspec
import numpy as np
import torch

from parity_reference import Batch, Stages, Watch, watching
from sightline.checkpoints import Checkpoint, read
from sightline.embedder.opening import _trained_head
from sightline.model import CLIP
from sightline.runtime.torch_towers import TorchTowers, load_model
from sightline.spec import Spec

OURS = (
    Watch("image.stem", "image tokens"),  # of a ResNet: a transformer's first block comes later
    Watch("image.blocks.0", "image tokens", taken=True),
    Watch("image.blocks.{}", "image block {}"),
    Watch("image.stages.{}", "image block {}"),
    Watch("image.projection", "image pooled", taken=True),
    Watch("text.blocks.0", "text tokens", taken=True),
    Watch("text.blocks.{}", "text block {}"),
    Watch("text.projection", "text pooled", taken=True),
)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a reference library wrote, and said of it, and the same files opened here."""

    folder: Path
    checkpoint: Checkpoint
    batch: Batch

    def theirs(self, precision: str) -> Stages:
        """Return what the library said in a precision."""
        with np.load(self.folder / f"stages-{precision}.npz") as said:
            return dict(said)

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions that the library was asked in."""
        return tuple(path.stem.removeprefix("stages-") for path in self.folder.glob("stages-*"))


def open_case(folder: Path) -> Case:
    """Open what `parity_process.py` wrote, the model as anyone's download."""
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    with np.load(folder / "batch.npz") as given:
        batch = Batch(given["pixels"], given["ids"], tuple(texts))
    [bare] = list(folder.glob("*.pt")) or [folder]  # a file that says itself what it is
    return Case(folder=folder, checkpoint=read(bare), batch=batch)


def our_stages(case: Case, precision: str) -> Stages:
    """Open a case in torch and note every stage."""
    return stages_of(load_model(case.checkpoint, precision), case)


def stages_of(model: CLIP, case: Case) -> Stages:
    """Note every stage of a network."""
    towers = TorchTowers(model)
    with watching(model, OURS) as found:
        image, text = towers.image(case.batch.pixels), towers.text(case.batch.ids)
    head = _trained_head(case.checkpoint)
    logits = head.logits(unit(image) @ unit(text).T) / head.scale
    return found | {"image projected": image, "text projected": text, "logits": logits}


def rebuilt(model: CLIP, spec: Spec) -> CLIP:
    """Return another network over the same tensors."""
    with torch.device("meta"):
        other = CLIP(spec)
    other.load_state_dict(model.state_dict(), assign=True)
    return other.eval()


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors at length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def distances(theirs: Stages, ours: Stages) -> dict[str, float]:
    """Return for each stage the root mean square of the difference.

    In units of the stage's own; of logits by their scale, which are cosines and a bias, as it is.
    """
    assert {name: one.shape for name, one in theirs.items()} == {
        name: ours[name].shape for name in theirs
    }
    size = {name: 1.0 if name == "logits" else _size(one) for name, one in theirs.items()}
    return {name: _size(one - ours[name]) / size[name] for name, one in theirs.items()}


def _size(numbers: np.ndarray) -> float:
    return float(np.sqrt(np.square(numbers, dtype=np.float64).mean()))
