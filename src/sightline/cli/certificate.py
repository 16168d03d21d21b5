"""A parity certificate as people read it. Enter at `draw_certificate` and `certificate_line`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightline.cli.sheet import draw
from sightline.cli.table import Column, Table, printable

if TYPE_CHECKING:
    from sightline.errors import CertificateError
    from sightline.runtime.certificate import Certificate, Engine

_COLUMNS = (  # the verdict first: a narrow terminal cuts the last
    Column("", style="bold"),
    Column("figure", widest=48),
    Column("measured", align="right"),
    Column("limit"),
)


def draw_certificate(certificate: "Certificate") -> None:
    """Draw what a candidate was measured on, each figure beside its limit, and the outcome."""
    on = certificate.measured_on
    counted = f"{on.images:,} pictures, {on.captions:,} captions, {on.classes:,} classes"
    facts = [
        ("model", certificate.fingerprint),
        ("candidate", _engine(certificate.candidate)),
        ("made by", certificate.recipe or "nothing but the model's own files"),
        ("reference", _engine(certificate.reference)),
        ("measured on", f"{on.name}: {counted} (contents {on.content_digest[:12]}…)"),
        ("when, where", f"{certificate.date}, {certificate.machine}"),
    ]
    draw((Column("fact"), Column("of this certificate")), facts)
    click.echo()
    table = Table(_COLUMNS, _nothing)
    for one in certificate.verdicts:
        verdict = "passed" if one.failure is None else "FAILED"
        table.add([verdict, one.what, one.figure, one.limit])
    table.finish()
    for failure in certificate.failures:
        click.echo(printable(f"failed: {failure}"))
    click.echo(printable(_outcome(certificate)))


def _outdated(engine: "Engine") -> str:
    """Say where another version is installed, of which the certificate says nothing."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version(engine.runtime)
    except PackageNotFoundError:
        return ""
    if installed == engine.version:
        return ""
    return f"; of {engine.runtime} {engine.version}, not of {installed}, which is installed"


def certificate_line(path: Path, found: "Certificate | CertificateError") -> str:
    """Say in one line what a certificate that lies beside a model is worth."""
    variant = path.parent.name
    if isinstance(found, Exception):
        return f"{variant}: not believed: {found}"
    on = found.measured_on
    where = f"on {on.name} ({on.images:,} pictures), {found.date}"
    if found.passed:
        return f"{variant}: passed {where}{_outdated(found.candidate)}"
    first, *others = found.failures
    more = f"; and {len(others)} more" if others else ""
    return f"{variant}: FAILED {where}: {first}{more}"


def _engine(engine: "Engine") -> str:
    return f"{engine.runtime} {engine.version} in {engine.precision}"


def _outcome(certificate: "Certificate") -> str:
    """Say how it went."""
    candidate = _engine(certificate.candidate)
    if certificate.passed:
        return f"passed: {candidate} may stand for the reference"
    return f"FAILED: {candidate} may not stand for the reference"


def _nothing() -> None:
    """Take no progress line away: there is none."""
