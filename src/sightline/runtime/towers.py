"""Two towers that run, whichever engine is behind them. Enter at `open_towers`."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from sightline.checkpoints import Checkpoint
from sightline.errors import RuntimeUnavailable
from sightline.shapes import Float32, Int64

if TYPE_CHECKING:
    from sightline.runtime.choosing import Choice


@runtime_checkable
class Towers(Protocol):
    """What an engine offers: arrays in, vectors out, not yet of unit length."""

    @property
    def description(self) -> str:
        """What was chosen and why, in one line that begins with the engine and its version."""

    @property
    def precision(self) -> str:
        """The precision the vectors are computed in: one of `choosing.QUICKEST`."""

    def image(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images embed_dim"]:
        """Return one vector per image."""

    def text(
        self, ids: Int64[np.ndarray, "captions tokens"]
    ) -> Float32[np.ndarray, "captions embed_dim"]:
        """Return one vector per row of ids; shorter rows only where `spec.text.may_trim`."""

    def patches(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images patches embed_dim"]:
        """Return one vector per patch, row by row."""


def open_towers(
    checkpoint: Checkpoint,
    *,
    runtime: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    threads: int | None = None,
) -> Towers:
    """Open a checkpoint's towers in an engine.

    Args:
        checkpoint: An opened model folder.
        runtime: "onnxruntime", which needs no extra; "openvino", which is quicker in fewer bits;
            "torch", the reference; or "auto": the quickest that computes what is asked for.
        precision: "float32", "bfloat16", "float16" or "int8"; or "auto": bfloat16 where OpenVINO is
            installed, the processor has it and a certificate that passed allows it, else float32.
        device: "cpu", a torch device such as "cuda", or "auto": the CPU, or with runtime "torch"
            a GPU where there is one.
        threads: For one call; None leaves it to the engine: one a physical core.

    Raises:
        CheckpointError: The weights are not the ones the spec describes, or eight bits are asked of
            a model that was not calibrated.
        RuntimeUnavailable: The engine is not installed or does not do what was asked.
    """
    from sightline.runtime.choosing import choose

    choice = choose(checkpoint, runtime=runtime, precision=precision, device=device)
    return open_chosen(checkpoint, choice, device=device, threads=threads)


def open_chosen(
    checkpoint: Checkpoint, choice: "Choice", *, device: str = "auto", threads: int | None = None
) -> Towers:
    """Open a checkpoint's towers in an engine that was chosen.

    Raises:
        CheckpointError: The weights are not the ones the spec describes.
        RuntimeUnavailable: The engine is not installed.
    """
    if choice.runtime == "torch":
        return _open_torch(checkpoint, choice, device, threads)
    if choice.runtime == "openvino":
        from sightline.runtime.openvino_towers import OpenVinoTowers

        return OpenVinoTowers(checkpoint, choice, threads=threads)
    from sightline.runtime.kept_graphs import open_kept
    from sightline.runtime.onnx_towers import OnnxTowers

    return OnnxTowers(
        checkpoint, threads=threads, first=open_kept, ranges=choice.ranges, why=choice.why
    )


def _open_torch(
    checkpoint: Checkpoint, choice: "Choice", device: str, threads: int | None
) -> Towers:
    """Open the reference."""
    if find_spec("torch") is None:
        raise RuntimeUnavailable(
            "runtime 'torch' needs torch, which is an extra: install sightline[torch]"
        )
    from sightline.runtime.torch_towers import open_torch_towers

    precision, why = choice.precision, choice.why
    return open_torch_towers(
        checkpoint, precision=precision, device=device, threads=threads, why=why
    )
