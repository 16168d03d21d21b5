"""A path or a name → an `Embedder` ready for use. Enter at `load`."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec
import numpy as np

from sightline import settings
from sightline.checkpoints import Checkpoint, verify_digests
from sightline.checkpoints.number import number_of
from sightline.embedder.checked import CheckedTowers
from sightline.embedder.class_cache import ClassCache
from sightline.embedder.embedder import Embedder
from sightline.errors import SpecError
from sightline.hub import open_model
from sightline.runtime import Towers, open_towers
from sightline.scoring import Head
from sightline.scoring.heads import sigmoid_head, softmax_head
from sightline.scoring.presence import calibration_from
from sightline.spec import Softmax, Spec, open_words
from sightline.spec.pixels import Jpegs

if TYPE_CHECKING:
    from sightline.hub import Terms


def load(
    name_or_path: str | Path | None = None,
    *,
    architecture: str | None = None,
    runtime: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    jpegs: Jpegs = "careful",
) -> Embedder:
    """Open a model.

    Args:
        name_or_path: A model folder of ours, Hugging Face's or OpenCLIP's, a file of weights, or
            the name of a published checkpoint ("ViT-B-32/openai", "hf-hub:org/name"), which is
            fetched once; None is the model that comes with the package.
        architecture: As OpenCLIP spells it, for a file that does not say what it is.
        runtime: What the towers run in: "onnxruntime", "openvino", "torch", or "auto" to choose.
        precision: "float32", "bfloat16", "float16" or "int8"; or "auto": float32, or bfloat16
            where OpenVINO is installed, the processor has it and a certificate that passed allows
            it. SIGHTLINE_PRECISION in the environment says what "auto" is.
        device: "cpu", a torch device such as "cuda", or "auto" to choose.
        jpegs: "careful", or "fast": large ones are decoded as small as the model's own size, and
            numbers move (`PixelRecipe.reduction`); the fingerprint is then another.

    Neither tower is read yet: each is opened, and its tensors compared with the digests of their
    record, before its first answer, and a changed one is refused then. So is a tokenizer that
    cannot be used, before the first text.

    Raises:
        CheckpointError: The folder is not there, or not exactly what its record says.
        RuntimeUnavailable: The runtime needs an extra that is not installed; names it.
        RemoteError: A published checkpoint cannot be had.

    Example:
        >>> import sightline
        >>> model = sightline.load()  # doctest: +SKIP
        >>> answer = model.classify("photo.jpg", ["cat", "dog"])  # doctest: +SKIP
        >>> answer.best()  # doctest: +SKIP
        ['cat']
    """
    checkpoint = open_model(name_or_path, architecture=architecture, on_license=_log)
    return embedder_of(checkpoint, runtime=runtime, precision=precision, device=device, jpegs=jpegs)


def embedder_of(
    checkpoint: Checkpoint,
    *,
    runtime: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    jpegs: Jpegs = "careful",
    images_follow: bool = False,
) -> Embedder:
    """Make an opened model ready for use, in the way that `load` does.

    Args:
        checkpoint: An opened model.
        runtime: As for `load`.
        precision: As for `load`.
        device: As for `load`.
        jpegs: As for `load`.
        images_follow: Pictures are certain to come: open the image tower at once, in a thread,
            while the caller prepares its labels and reads the first picture.

    Raises:
        CheckpointError: A tensor is not what the model's record says.
        RuntimeUnavailable: The runtime needs an extra that is not installed; names it.
    """
    verify_digests(checkpoint, ["head"])  # what is read below; each tower's before it answers
    stored, home = checkpoint.calibration, settings.home()
    engine = open_towers(checkpoint, runtime=runtime, precision=precision, device=device)
    towers = CheckedTowers(engine, checkpoint)
    if images_follow:
        _open_ahead(towers, checkpoint.spec)
    read = replace(checkpoint, spec=_reading(checkpoint.spec, jpegs))
    return Embedder(
        spec=read.spec,
        towers=towers,
        read_words=cache(partial(open_words, checkpoint.spec.words, checkpoint.folder)),
        identify=lambda: read.fingerprint,
        calibration=None if stored is None else calibration_from(stored),
        head=_trained_head(checkpoint),
        cache=None if home is None else ClassCache(home / "classes"),
    )


def _reading(spec: Spec, jpegs: Jpegs) -> Spec:
    """Return the spec of a model that reads JPEGs in a way.

    Raises:
        SpecError: There is no such way.
    """
    if jpegs not in get_args(Jpegs):
        raise SpecError(f"jpegs is {jpegs!r}: pass 'careful' or 'fast'")
    pixels = msgspec.structs.replace(spec.pixels, jpegs=jpegs)
    return msgspec.structs.replace(spec, pixels=pixels)


def _open_ahead(towers: Towers, spec: Spec) -> None:
    """Open the image tower in a thread, by asking it for no pictures.

    Engines let Python go on meanwhile. What fails here fails again for the first picture, and is
    told then.
    """
    size = spec.pixels.size_px
    pool = ThreadPoolExecutor(1, thread_name_prefix="sightline-open")
    pool.submit(towers.image, np.zeros((0, 3, size, size), np.float32))
    pool.shutdown(wait=False)


def _log(terms: "Terms") -> None:
    """Tell the terms of what is about to be fetched, to whoever listens to the program's log."""
    known = terms.license or "not known"
    log = logging.getLogger(__name__)
    log.warning("fetching %s: licence %s", terms.name, known)
    if terms.caution is not None:
        log.warning("%s", terms.caution)


def _trained_head(checkpoint: Checkpoint) -> Head:
    """Read the scale and bias that training ended with."""
    weights = checkpoint.weights
    logit_scale = number_of(weights, "logit_scale")
    if isinstance(checkpoint.spec.head, Softmax):
        return softmax_head(logit_scale)
    return sigmoid_head(logit_scale, number_of(weights, "logit_bias"))
