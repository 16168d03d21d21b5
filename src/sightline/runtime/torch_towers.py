"""Towers in torch: the reference that every other engine is held to. Enter at `TorchTowers`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from sightline.checkpoints import Checkpoint
from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.model import CLIP
from sightline.model.undrawn import undrawn
from sightline.shapes import Float32, Int64
from sightline.spec.inventory import is_counter


class TorchTowers:
    """A live model as towers: put into evaluation mode for each call, and back afterwards."""

    precision = "float32"

    def __init__(self, model: CLIP) -> None:
        self._model = model

    @property
    def description(self) -> str:
        """What was chosen and why, in one line."""
        device = self._model.logit_scale.device
        return f"torch {torch.__version__} on {device}, float32: the reference"

    def image(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images embed_dim"]:
        """Return one vector per image."""
        return self._run(self._model.encode_image, pixels)

    def text(
        self, ids: Int64[np.ndarray, "captions tokens"]
    ) -> Float32[np.ndarray, "captions embed_dim"]:
        """Return one vector per row of ids; shorter rows only where `spec.text.may_trim`."""
        return self._run(self._model.encode_text, ids)

    def patches(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images patches embed_dim"]:
        """Return one vector per patch, row by row."""
        return self._run(self._model.encode_patches, pixels)

    def _run(self, encode: Callable[[torch.Tensor], torch.Tensor], rows: np.ndarray) -> np.ndarray:
        """Put rows through a tower, in float32 whatever surrounds the call."""
        device = self._model.logit_scale.device
        # A copy: torch warns of arrays that may not be written to, and mapped ones may not.
        given = torch.tensor(rows, device=device)
        with (
            torch.inference_mode(),
            torch.autocast(device.type, enabled=False),
            _without_tf32(device),
            _evaluating(self._model),
        ):
            return encode(given).cpu().numpy()


def open_torch_towers(
    checkpoint: Checkpoint, *, device: str = "auto", threads: int | None = None
) -> TorchTowers:
    """Open a checkpoint in torch: nothing is drawn at random first, half precision is widened.

    Args:
        checkpoint: An opened model folder.
        device: A torch device, or "auto": a GPU where there is one.
        threads: For all of torch in this process; None leaves torch's own choice.

    Raises:
        CheckpointError: The weights are not the ones the spec describes.
        RuntimeUnavailable: The device is not there.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    return TorchTowers(load_model(checkpoint).to(_device(device)))


def load_model(checkpoint: Checkpoint) -> CLIP:
    """Return the network with the checkpoint's weights in it, in float32, on the CPU.

    Raises:
        CheckpointError: The weights are not the ones the spec describes.
    """
    model = undrawn(checkpoint.spec)
    weights = checkpoint.weights
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    # A counter of training, which no answer depends on and published files may lack.
    lacking = {name for name in wanted if is_counter(name) and name not in weights}
    faults = sorted(
        name
        for name in (wanted.keys() - lacking) | weights.keys()
        if name not in wanted or name not in weights or wanted[name] != weights.place(name).shape
    )
    if faults:
        raise CheckpointError(
            f"{weights.path} and its spec disagree about {len(faults)} tensors "
            f"({', '.join(faults[:3])}): its weights do not belong to its spec"
        )
    tensors = {name: _tensor(weights[name]) for name in wanted.keys() - lacking}
    tensors |= {name: torch.tensor(0) for name in lacking}
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval()


def _tensor(array: np.ndarray) -> torch.Tensor:
    """Return a tensor over the same memory where it is float32 already, which a file may be."""
    if array.dtype == np.float32:
        array = array.view()
        array.flags.writeable = True  # the mapping is private: what is written stays here
        return torch.from_numpy(array)
    return torch.from_numpy(array.astype(np.float32 if array.dtype.kind == "f" else array.dtype))


def _device(name: str) -> torch.device:
    """Return the device by its name."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise RuntimeUnavailable(
            f"device {name!r} is not there ({reason}): choose 'cpu' or 'auto'"
        ) from error
    return torch.device(name)


@contextmanager
def _evaluating(model: CLIP) -> Iterator[None]:
    """Switch every module to evaluation and each back to what it was."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def _without_tf32(device: torch.device) -> Iterator[None]:
    """On a CUDA device, keep out TF32, whose ten bits of fraction are not float32's 23."""
    switches = _tf32_switches() if device.type == "cuda" else ()
    before = [getattr(place, name) for place, name, _ in switches]
    try:
        for place, name, off in switches:
            setattr(place, name, off)
        yield
    finally:
        for (place, name, _), value in zip(switches, before, strict=True):
            setattr(place, name, value)


def _tf32_switches() -> tuple[tuple[Any, str, object], ...]:
    """Return where TF32 is switched for products and convolutions, and what means off."""
    products, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(cudnn, "conv"):  # newer torch: once these are in use, reading the old names fails
        return (products, "fp32_precision", "ieee"), (cudnn.conv, "fp32_precision", "ieee")
    return (products, "allow_tf32", False), (cudnn, "allow_tf32", False)
