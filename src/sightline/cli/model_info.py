"""`sightline models info`: what a model is, where it comes from, what it costs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightline.cli.certificate import certificate_line
from sightline.cli.opening import opened
from sightline.cli.options import architecture_option, json_option, model_argument
from sightline.cli.sheet import draw
from sightline.cli.table import Column

if TYPE_CHECKING:
    from sightline.checkpoints.describing import Description
    from sightline.errors import CertificateError
    from sightline.runtime.certificate import Certificate
    from sightline.spec import PixelRecipe, TextRecipe

_SIDES = {
    "shortest": "shortest side to {0} px, then the middle {0} × {0}",
    "squash": "squashed to {0} × {0} px",
    "longest_pad": "longest side to {0} px, then padded",
}
_UNITS = ("", "k", "M", "G")


@click.command(short_help="What is a model, where does it come from, what does it cost?")
@model_argument
@architecture_option
@json_option
def info(model: str, architecture: str | None, as_json: bool) -> int:
    """Describe MODEL (a model folder, a file of weights, or `bundled`) without running it.

    Example: sightline models info bundled
    """
    from sightline.checkpoints.describing import describe
    from sightline.runtime.certificate import certificates

    checkpoint = opened(model, architecture)
    found, beside = describe(checkpoint), tuple(certificates(checkpoint))
    if as_json:
        import msgspec

        said = [_certificate(path, one) for path, one in beside]
        click.echo(msgspec.json.encode({**msgspec.to_builtins(found), "certificates": said}))
        return 0
    rows = [*_rows(found), *(("certificate", certificate_line(*one)) for one in beside)]
    draw((Column("fact"), Column("of this model")), rows)
    return 0


def _certificate(path: Path, found: "Certificate | CertificateError") -> dict[str, object]:
    """Return what a program asks of a certificate: where it is, what it says, if it holds."""
    import msgspec

    place = os.fsencode(path).decode(errors="replace")
    if isinstance(found, Exception):
        return {"path": place, "passed": False, "failures": [str(found)], "certificate": None}
    held = {"passed": found.passed, "failures": found.failures}
    return {"path": place, **held, "certificate": msgspec.to_builtins(found)}


def _rows(found: "Description") -> Iterator[tuple[str, str]]:
    """Yield what is known, a name and a sentence each."""
    from sightline.checkpoints.describing import tower_line

    spec, built = found.spec, found.architecture
    but_for = f", but for {', '.join(built.but_for)}" if built.but_for else ""
    yield "model", f"{found.model} ({found.layout} layout)"
    yield "architecture", f"{built.name}{but_for}"
    yield "image tower", tower_line(spec.image)
    yield "text tower", tower_line(spec.text)
    yield "vectors", f"{spec.embed_dim} numbers"
    yield from _costs(found)
    yield "context", f"{spec.words.context_length} tokens, marks included"
    yield "texts", _words(spec.words)
    yield "pictures", _pixels(spec.pixels)
    yield "scores", _head(found)
    yield "calibration", "calibration.json" if found.has_calibration else "none"
    yield "licence", found.license
    yield "origin", found.origin
    for place, line in enumerate(found.training_data or ("nothing is said of it",)):
        yield "" if place else "training data", line
    made = ", ".join(f"{name} {version}" for name, version in found.created_with.items())
    if made:
        yield "made with", made
    yield "fingerprint", found.fingerprint
    for remark in found.remarks:
        yield "remark", remark


def _costs(found: "Description") -> Iterator[tuple[str, str]]:
    """Yield how large the model is and how much it computes."""
    counted, work, memory = found.parameters, found.gflops, found.memory_bytes
    towers = f"image {_short(counted['image'])}, text {_short(counted['text'])}"
    yield "parameters", f"{_short(counted['total'])} ({towers})"
    yield "GFLOPs", f"{work['image']:.3g} for a picture, {work['text']:.3g} for a text"
    stored = ", ".join(found.precision)
    weights = f"{_short(memory['stored'])}B as stored ({stored})"
    yield "memory", f"{weights}, {_short(memory['float32'])}B in float32"


def _short(number: int) -> str:
    """Write a number with three digits and its unit: 151277313 is "151 M"."""
    power = 0
    while round(number / 1000**power) >= 1000 and power < len(_UNITS) - 1:
        power += 1
    scaled = number / 1000**power
    digits = f"{scaled:.0f}" if round(scaled) >= 100 else f"{scaled:.3g}"
    return f"{digits} {_UNITS[power]}".rstrip()


def _words(words: "TextRecipe") -> str:
    """Say how texts become ids."""
    named = {"clip": "CLIP's byte pairs", "file": "tokenizer.json"}[words.tokenizer]
    start = "none" if words.start_id is None else words.start_id
    end = "none" if words.end_id is None else words.end_id
    marks = f"start {start}, end {end}, pad {words.pad_id}"
    return f"{named}, cleaned as {words.clean!r}, {marks}, template {words.template!r}"


def _pixels(pixels: "PixelRecipe") -> str:
    """Say how pictures become pixels."""
    shape = _SIDES[pixels.resize].format(pixels.size_px)
    crop = f", crop rounded {pixels.crop_rounding}" if pixels.resize == "shortest" else ""
    mean, std = (" ".join(f"{number:g}" for number in one) for one in (pixels.mean, pixels.std))
    return f"{shape}, {pixels.filter}{crop}, mean {mean}, deviation {std}"


def _head(found: "Description") -> str:
    """Say what a cosine becomes."""
    if found.bias is None:
        return f"softmax of {found.scale:.4g} × cosine: shares among the labels given"
    return f"sigmoid of {found.scale:.4g} × cosine {found.bias:+.4g}: a probability per label"
