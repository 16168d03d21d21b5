"""Which engine computes a model's towers, in what, and why. Enter at `choose`."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

import msgspec

from sightline import settings
from sightline.checkpoints import Checkpoint
from sightline.errors import CertificateError, RuntimeUnavailable
from sightline.runtime.ranges import Ranges

OFFERED: Mapping[str, Sequence[str]] = {
    "onnxruntime": ("float32", "int8"),
    "openvino": ("float32", "bfloat16", "int8"),
    "torch": ("float32", "bfloat16", "float16"),
}
# Precision → the engines that compute it on a CPU, the quickest first (`benchmarks/towers.py`).
QUICKEST: Mapping[str, Sequence[str]] = {
    "float32": ("onnxruntime",),
    "bfloat16": ("openvino", "torch"),
    "float16": ("torch",),
    "int8": ("openvino", "onnxruntime"),
}


UNCERTIFIED = "NOT certified"  # in a description: nobody measured that these towers are right


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What computes, and why."""

    runtime: str
    precision: str
    why: str
    ranges: Ranges | None = None  # of towers in eight bits


def choose(checkpoint: Checkpoint, *, runtime: str, precision: str, device: str) -> Choice:
    """Choose what was not asked for.

    Args:
        checkpoint: An opened model.
        runtime: One of `OFFERED`, or "auto".
        precision: One of `QUICKEST`, or "auto": what SIGHTLINE_PRECISION says, else float32 or
            what a certificate that passed allows.
        device: "cpu", a torch device, or "auto".

    Raises:
        RuntimeUnavailable: There is no such engine or precision, or not together.
        CheckpointError: Eight bits are asked of a model that was not calibrated.
    """
    _require_known("runtime", runtime, OFFERED)
    _require_known("precision", precision, QUICKEST)
    if precision == "auto":
        precision = settings.precision()
        _require_known("SIGHTLINE_PRECISION", precision, QUICKEST)
    if device not in ("auto", "cpu"):
        return _told(checkpoint, _on_a_gpu(runtime, precision, device))
    if runtime == precision == "auto":
        return _quickest_certified(checkpoint)
    why = "asked for"
    if precision == "auto":
        precision = "float32"
    if runtime == "auto":
        runtime, why = _quickest(precision)
    require_offered(runtime, precision)
    return _told(checkpoint, Choice(runtime=runtime, precision=precision, why=why))


def require_offered(runtime: str, precision: str) -> None:
    """Refuse what an engine does not compute.

    Raises:
        RuntimeUnavailable: It does not.
    """
    if precision not in OFFERED[runtime]:
        others = " or ".join(repr(name) for name in OFFERED if precision in OFFERED[name])
        raise RuntimeUnavailable(
            f"runtime {runtime!r} does not compute in {precision} here: use runtime {others}"
        )


def _quickest_certified(checkpoint: Checkpoint) -> Choice:
    """Choose the quickest that may stand for float32, on a CPU."""
    exact = Choice(runtime="onnxruntime", precision="float32", why="")
    if find_spec("openvino") is None:
        return msgspec.structs.replace(exact, why="it needs no extra and starts quickest")
    from sightline.runtime.openvino_session import computes_bfloat16
    from sightline.runtime.variants import certified, engine_now

    if not computes_bfloat16():
        return msgspec.structs.replace(exact, why="quickest in float32; no bfloat16 here")
    try:
        why = f"quickest here; {certified(checkpoint, engine_now('openvino', 'bfloat16'))}"
    except CertificateError as error:
        return msgspec.structs.replace(exact, why=f"quickest in float32; of bfloat16 {error}")
    return Choice(runtime="openvino", precision="bfloat16", why=why)


def _quickest(precision: str) -> tuple[str, str]:
    """Return the quickest engine that computes a precision on this CPU, and why."""
    runtimes = QUICKEST[precision]
    for runtime in runtimes[:-1]:
        if find_spec(runtime) is None:
            continue
        from sightline.runtime.openvino_session import computes_bfloat16

        if precision != "bfloat16" or computes_bfloat16():
            return runtime, f"quickest in {precision} here"
    return runtimes[-1], f"in {precision} there is no quicker one here"


def _told(checkpoint: Checkpoint, choice: Choice) -> Choice:
    """Return a choice that says whether it is certified, with the ranges of eight bits.

    Raises:
        CheckpointError: Eight bits are asked of a model that was not calibrated.
        RuntimeUnavailable: The engine is not installed.
    """
    if choice.precision == "float32":
        return choice
    from sightline.runtime.variants import certified, engine_now, find_ranges

    runtime, precision = choice.runtime, choice.precision
    ranges = find_ranges(checkpoint, runtime) if precision == "int8" else None
    recipe = "" if ranges is None else ranges.digest
    try:
        told = certified(checkpoint, engine_now(runtime, precision), recipe)
    except CertificateError as error:
        told = f"{UNCERTIFIED}: {error}"
    return msgspec.structs.replace(choice, why=f"{choice.why}; {told}", ranges=ranges)


def _on_a_gpu(runtime: str, precision: str, device: str) -> Choice:
    """Return torch, which alone computes there."""
    if runtime not in ("auto", "torch"):
        raise RuntimeUnavailable(
            f"runtime {runtime!r} runs on the CPU here, not on {device!r}: use runtime 'torch'"
        )
    chosen = "float32" if precision == "auto" else precision
    if chosen not in OFFERED["torch"]:
        raise RuntimeUnavailable(
            f"runtime 'torch' does not compute in {chosen} here: use another precision"
        )
    return Choice(runtime="torch", precision=chosen, why=f"it alone computes on {device}")


def _require_known(what: str, asked: str, known: Mapping[str, object]) -> None:
    """Refuse a name that is none."""
    if not isinstance(asked, str) or (asked != "auto" and asked not in known):
        named = ", ".join(map(repr, ("auto", *list(known)[:-1])))
        raise RuntimeUnavailable(
            f"{what} {asked!r} is not known: choose {named} or {list(known)[-1]!r}"
        )
