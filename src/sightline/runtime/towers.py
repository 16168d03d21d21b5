"""Two towers that run, whichever engine is behind them. Enter at `open_towers`."""

from typing import Protocol, runtime_checkable

import numpy as np

from sightline.checkpoints import Checkpoint
from sightline.errors import RuntimeUnavailable
from sightline.shapes import Float32, Int64

PRECISIONS = ("float32", "bfloat16", "float16")


@runtime_checkable
class Towers(Protocol):
    """What an engine offers: arrays in, vectors out, not yet of unit length."""

    @property
    def description(self) -> str:
        """What was chosen and why, in one line that begins with the engine and its version."""

    @property
    def precision(self) -> str:
        """The precision the vectors are computed in: one of `PRECISIONS`."""

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
        runtime: "onnxruntime", which needs no extra; "torch", the reference; or "auto": torch on
            a device that only torch reaches and in half precision, ONNX Runtime otherwise.
        precision: "float32"; "bfloat16" or "float16", which only torch computes in; or "auto",
            which is "float32".
        device: "cpu", a torch device such as "cuda", or "auto": the CPU, or with runtime "torch"
            a GPU where there is one.
        threads: For one call; None leaves it to the engine: one a physical core.

    Raises:
        CheckpointError: The weights are not the ones the spec describes.
        RuntimeUnavailable: The engine is not installed or does not do what was asked.
    """
    precision = "float32" if precision == "auto" else precision
    if precision not in PRECISIONS:
        raise RuntimeUnavailable(
            f"precision {precision!r} is not offered: choose 'auto', 'float32', 'bfloat16' or "
            "'float16'"
        )
    if runtime == "auto":
        plain = device in ("auto", "cpu") and precision == "float32"
        runtime = "onnxruntime" if plain else "torch"
    if runtime == "onnxruntime":
        return _open_onnx(checkpoint, precision, device, threads)
    if runtime == "torch":
        return _open_torch(checkpoint, precision, device, threads)
    raise RuntimeUnavailable(
        f"runtime {runtime!r} is not known: choose 'auto', 'onnxruntime' or 'torch'"
    )


def _open_onnx(checkpoint: Checkpoint, precision: str, device: str, threads: int | None) -> Towers:
    """Open the graphs beside the weights, or the same graphs made from the spec."""
    from sightline.runtime.kept_graphs import open_kept
    from sightline.runtime.onnx_towers import OnnxTowers

    if precision != "float32":
        raise RuntimeUnavailable(
            f"runtime 'onnxruntime' computes in float32 here, not in {precision}: use runtime "
            "'torch'"
        )
    if device not in ("auto", "cpu"):
        raise RuntimeUnavailable(
            f"runtime 'onnxruntime' runs on the CPU here, not on {device!r}: use runtime 'torch'"
        )
    return OnnxTowers(checkpoint, threads=threads, first=open_kept)


def _open_torch(checkpoint: Checkpoint, precision: str, device: str, threads: int | None) -> Towers:
    """Open the reference."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise RuntimeUnavailable(
            "runtime 'torch' needs torch, which is an extra: install sightline[torch]"
        )
    from sightline.runtime.torch_towers import open_torch_towers

    return open_torch_towers(checkpoint, precision=precision, device=device, threads=threads)
