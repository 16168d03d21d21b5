"""Towers in torch: the reference that every other engine is held to. Enter at `TorchTowers`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from sightline.checkpoints import Checkpoint, Weights
from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.model import CLIP
from sightline.model.undrawn import undrawn
from sightline.shapes import Float32, Int64
from sightline.spec.inventory import is_counter

PRECISIONS: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
STORED: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
_KNOWN: Mapping[str, str] = {"float32": ": the reference"}


class TorchTowers:
    """A live model as towers: put into evaluation mode for each call, and back afterwards.

    The model's own precision is computed in: pixels are cast to it, vectors come out in float32.
    In half precision that means weights, tokens and sums of half precision throughout, as
    transformers has it with `dtype` and OpenCLIP with "pure_bf16" and "pure_fp16". Within a norm
    of tokens torch takes mean and deviation in float32, whatever goes in; its gains are rounded
    to half, which OpenAI's code, that casts the whole norm up, does not do. Batch norms keep
    float32 statistics and gains, as in OpenAI's code and unlike in the other two: a small
    variance would be lost. tests/parity/ says how far each is.
    """

    def __init__(self, model: CLIP, why: str = "") -> None:
        """Take a model.

        Args:
            model: Live: its weights may go on changing.
            why: What its description says of why it was chosen.
        """
        self._model = model
        self._why = why

    @property
    def precision(self) -> str:
        """The precision the vectors are computed in."""
        return str(self._model.text.positions.dtype).removeprefix("torch.")

    @property
    def description(self) -> str:
        """What was chosen and why, in one line."""
        device, precision = self._model.logit_scale.device, self.precision
        why = f"; {self._why}" if self._why else ""
        return f"torch {torch.__version__} on {device}, {precision}{_KNOWN.get(precision, '')}{why}"

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
        """Put rows through a tower, in the model's precision whatever surrounds the call."""
        device = self._model.logit_scale.device
        # A copy: torch warns of arrays that may not be written to, and mapped ones may not.
        given = torch.tensor(rows, device=device)
        if given.is_floating_point():
            given = given.to(self._model.text.positions.dtype)
        with (
            torch.inference_mode(),
            torch.autocast(device.type, enabled=False),
            _without_tf32(device),
            _evaluating(self._model),
        ):
            return encode(given).float().cpu().numpy()


def open_torch_towers(
    checkpoint: Checkpoint,
    *,
    precision: str = "float32",
    device: str = "auto",
    threads: int | None = None,
    why: str = "",
) -> TorchTowers:
    """Open a checkpoint in torch: nothing is drawn at random first, weights are cast once.

    Args:
        checkpoint: An opened model folder.
        precision: One of `PRECISIONS`.
        device: A torch device, or "auto": a GPU where there is one.
        threads: For all of torch in this process; None leaves torch's own choice.
        why: What the description says of why they were chosen.

    Raises:
        CheckpointError: The weights are not the ones the spec describes.
        RuntimeUnavailable: The device is not there.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    return TorchTowers(load_model(checkpoint, precision).to(_device(device)), why)


def load_model(checkpoint: Checkpoint, precision: str = "float32") -> CLIP:
    """Return the network with the checkpoint's weights in it, on the CPU.

    What the file stores in this precision is not copied: the tensors lie over the mapped file.

    Args:
        checkpoint: An opened model folder.
        precision: One of `PRECISIONS`, for all weights but those of batch norms.

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
    whole = _whole(model)
    tensors = {name: torch.tensor(0) for name in lacking}
    for name in wanted.keys() - lacking:
        tensors[name] = _tensor(
            weights, name, PRECISIONS["float32" if name in whole else precision]
        )
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval()


def _whole(model: CLIP) -> frozenset[str]:
    """Return the tensors that stay in float32: half precision would lose small variances."""
    return frozenset(
        f"{path}.{name}"
        for path, module in model.named_modules()
        if isinstance(module, nn.BatchNorm2d)
        for name in module.state_dict()
    )


def _tensor(weights: Weights, name: str, dtype: torch.dtype) -> torch.Tensor:
    """Return a tensor, over the file's own memory where it is stored in this type already."""
    stored = STORED.get(weights.place(name).dtype)  # None: whole numbers, which stay as they are
    as_it_is = stored is None or stored == dtype
    words = (weights.words(name) if as_it_is else weights.copy(name)).view()
    words.flags.writeable = True  # the mapping is private: what is written stays here
    tensor = torch.from_numpy(words)
    return tensor if stored is None else tensor.view(stored).to(dtype)


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
