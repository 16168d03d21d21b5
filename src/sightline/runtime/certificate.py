"""Whether a tower in another precision or engine may stand for the reference.

A certificate holds what was measured; whether that is enough is worked out anew by whoever reads
it. Enter at `Certificate`, `read_certificate`, `accept` and `places`. It is made by
`verify.certify`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from sightline import settings
from sightline.checkpoints import Checkpoint
from sightline.checkpoints.json_file import json_bytes
from sightline.checkpoints.replacement import replace_file
from sightline.errors import CertificateError, CheckpointError
from sightline.regular_file import read_regular
from sightline.runtime.parity_figures import Count, Figures
from sightline.runtime.parity_limits import LIMITS, Limits, stricter
from sightline.runtime.parity_verdicts import Verdict, verdicts
from sightline.runtime.towers import Towers

VERSION = 1
NAME = "certificate.json"
VARIANTS = "variants"
REFERENCE = "float32"  # nothing else is exact enough to hold another to
MAX_BYTES = 64 * 1024  # one has 4 kB
MOST_VARIANTS = 100  # looked at in a folder

Kind = TypeVar("Kind")

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Line: TypeAlias = Annotated[str, Meta(max_length=1000)]
Sha256: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Recipe: TypeAlias = Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")]
Day: TypeAlias = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]


class Engine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What computes a tower."""

    runtime: Name
    version: Name
    precision: Name

    @property
    def variant(self) -> str:
        """The name of the folder that such towers lie in."""
        return f"{self.runtime}-{self.precision}"


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a candidate was measured on."""

    name: Line
    images: Count
    captions: Count  # as they stand: of labelled pictures without captions there are none
    classes: Count
    content_digest: Sha256  # as in `evaluate.Identity`: of keys, files, texts, labels and groups


class _Version(msgspec.Struct, frozen=True):
    """What is read before all else."""

    version: int


class Certificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found when a candidate's towers were held to the reference's."""

    version: int
    fingerprint: Sha256  # of the model
    candidate: Engine
    recipe: Recipe  # sha256 of what the candidate was made by, such as its scales; "" if nothing
    reference: Engine
    measured_on: Measured
    figures: Figures
    limits: Limits  # that it was held to when it was made
    date: Day
    machine: Line

    @property
    def held_to(self) -> Limits | None:
        """The stricter of its own limits and this program's; None for an unknown precision."""
        known = LIMITS.get(self.candidate.precision)
        return None if known is None else stricter(known, self.limits)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Each figure beside the limit that it is held to."""
        limits = self.held_to
        return () if limits is None else verdicts(self.figures, limits)

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it did not pass, a sentence each."""
        if self.held_to is None:
            return (f"no limits are known for the precision {self.candidate.precision!r}",)
        failed = tuple(one.failure for one in self.verdicts if one.failure is not None)
        if self.reference.precision != REFERENCE:
            wrong = f"it was held to a reference in {self.reference.precision!r}, not {REFERENCE}"
            return (wrong, *failed)
        return failed

    @property
    def passed(self) -> bool:
        """Whether the candidate may stand for the reference."""
        return not self.failures


def engine_of(towers: Towers) -> Engine:
    """Return what computes these towers: a description begins with the engine and its version."""
    runtime, version, *_ = towers.description.split()
    return Engine(runtime=runtime, version=version, precision=towers.precision)


def read_certificate(path: Path) -> Certificate:
    """Read a certificate, which a stranger may have written; it may be one that did not pass.

    Raises:
        CertificateError: It is missing or unreadable, of another version, or says what no
            certificate says.
    """
    try:
        content = read_regular(path, MAX_BYTES)
    except CheckpointError as error:
        raise CertificateError(str(error)) from error
    version = _decoded(content, _Version, path).version
    if version != VERSION:
        raise CertificateError(
            f"{path} is of version {version} but this Sightline reads version {VERSION}: "
            "certify again"
        )
    return _decoded(content, Certificate, path)


def _decoded(content: bytes, kind: type[Kind], path: Path) -> Kind:
    """Read JSON as a struct.

    Raises:
        CertificateError: It is none.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except CertificateError as error:  # of a figure that contradicts itself
        raise CertificateError(f"{path}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CertificateError(f"{path} is no certificate ({error}): certify again") from error


def write_certificate(certificate: Certificate, path: Path) -> None:
    """Write a certificate, whole or not at all; its folder is made if need be.

    Raises:
        CertificateError: It cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json_bytes(certificate))
    except OSError as error:
        raise CertificateError(
            f"{path} cannot be written ({error.strerror or error}): free some space or choose a "
            "folder that can be written to"
        ) from error


def accept(path: Path, fingerprint: str, candidate: Engine, recipe: str = "") -> Certificate:
    """Return the certificate that allows a tower to stand for the reference, or say why none does.

    Args:
        path: The file.
        fingerprint: Of the model.
        candidate: What is about to compute: another version of an engine needs another certificate.
        recipe: The sha256 of what the tower was made by; "" if nothing.

    Raises:
        CertificateError: As for `read_certificate`; or it speaks of another model, engine or
            recipe; or the tower did not pass.
    """
    found = read_certificate(path)
    pairs = {
        "model": (found.fingerprint, fingerprint),
        "runtime": (found.candidate.runtime, candidate.runtime),
        "version of the runtime": (found.candidate.version, candidate.version),
        "precision": (found.candidate.precision, candidate.precision),
        "recipe": (found.recipe, recipe),
    }
    for what, (said, wanted) in pairs.items():
        if said != wanted:
            raise CertificateError(
                f"{path} speaks of another {what}, {said or 'none'} instead of {wanted or 'none'}: "
                "certify again"
            )
    if not found.passed:
        first, *others = found.failures
        more = f"; and {len(others)} more" if others else ""
        raise CertificateError(
            f"{path} did not pass ({first}{more}): use another precision or runtime"
        )
    return found


def places(checkpoint: Checkpoint) -> tuple[Path, ...]:
    """Return the folders whose folders hold a model's variants: at home, and beside its weights.

    Each variant is a folder `RUNTIME-PRECISION` there, with its certificate in it. What was made
    here comes first, since what came with the model may be of another engine's version.
    """
    beside, home = checkpoint.folder / "towers", settings.home()
    if home is None or not (home / VARIANTS).exists():
        return (beside,)  # without asking for a fingerprint, which may mean to hash a large file
    return home / VARIANTS / checkpoint.fingerprint, beside


def own_place(checkpoint: Checkpoint) -> Path:
    """Return the folder at home for a model's variants.

    Raises:
        CertificateError: There is no home.
    """
    home = settings.home()
    if home is None:
        raise CertificateError(
            "there is no folder to keep a certificate in: set SIGHTLINE_HOME to one, or keep it "
            "with the model"
        )
    return home / VARIANTS / checkpoint.fingerprint


def certificates(checkpoint: Checkpoint) -> Iterator[tuple[Path, Certificate | CertificateError]]:
    """Yield the certificates that lie in a model's places, or why one cannot be believed.

    Args:
        checkpoint: An opened model.
    """
    for place in places(checkpoint):
        for path in sorted(place.glob(f"*/{NAME}"))[:MOST_VARIANTS]:
            try:
                found = read_certificate(path)
                _require_place(found, path, checkpoint.fingerprint)
                yield path, found
            except CertificateError as error:
                yield path, error


def _require_place(found: Certificate, path: Path, fingerprint: str) -> None:
    """Refuse a certificate that lies with another model or another variant.

    Raises:
        CertificateError: It does.
    """
    if found.fingerprint != fingerprint:
        raise CertificateError(
            f"{path} is of the model {found.fingerprint}, not of this one: certify again"
        )
    if found.candidate.variant != path.parent.name:
        raise CertificateError(
            f"{path} is of {found.candidate.variant}, which its folder is not named: certify again"
        )
