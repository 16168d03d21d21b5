"""What lies beside a model for towers in other engines and precisions. Enter at `certified`."""

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from sightline.checkpoints import Checkpoint
from sightline.errors import CertificateError, CheckpointError, RuntimeUnavailable
from sightline.runtime.certificate import NAME as CERTIFICATE
from sightline.runtime.certificate import Engine, accept, places
from sightline.runtime.ranges import Ranges
from sightline.runtime.ranges_file import NAME as RANGES
from sightline.runtime.ranges_file import read_ranges

CERTIFY = "`sightline models certify`"


def find_ranges(checkpoint: Checkpoint, runtime: str) -> Ranges:
    """Return what a model's towers in eight bits are rounded by.

    Of several those that a certificate speaks for, else the first.

    Raises:
        CheckpointError: It was not calibrated, or all that it has is damaged.
    """
    looked = [place / f"{runtime}-int8" / RANGES for place in places(checkpoint)]
    found: list[Ranges] = []
    damage: list[CheckpointError] = []
    for path in (path for path in looked if path.exists()):
        try:
            found.append(read_ranges(path))
        except CheckpointError as error:
            damage.append(error)
    for ranges in found if len(found) > 1 else ():
        with suppress(CertificateError):
            certified(checkpoint, engine_now(runtime, "int8"), ranges.digest)
            return ranges
    if found:
        return found[0]
    if damage:
        raise damage[0]
    raise CheckpointError(
        f"{checkpoint.folder} was never calibrated for int8 in {runtime}: do that with {CERTIFY}"
    )


def certified(checkpoint: Checkpoint, candidate: Engine, recipe: str = "") -> str:
    """Return a sentence on the certificate that lets an engine stand for the reference.

    Raises:
        CertificateError: There is none, or none passed.
    """
    refused: list[CertificateError] = []
    for place in places(checkpoint):
        path = place / candidate.variant / CERTIFICATE
        if path.exists():
            try:
                found = accept(path, checkpoint.fingerprint, candidate, recipe)
            except CertificateError as error:
                refused.append(error)
                continue
            on = found.measured_on
            return f"certified on {on.images} pictures of {on.name} ({found.date})"
    if refused:
        raise refused[0]
    raise CertificateError(f"no certificate speaks of {candidate.variant}: make one with {CERTIFY}")


def engine_now(runtime: str, precision: str) -> Engine:
    """Return an engine as it is installed.

    Raises:
        RuntimeUnavailable: It is not.
    """
    if runtime == "openvino":
        from sightline.runtime.openvino_session import version as openvino_version

        return Engine(runtime=runtime, version=openvino_version(), precision=precision)
    try:
        return Engine(runtime=runtime, version=version(runtime), precision=precision)
    except PackageNotFoundError as error:
        raise RuntimeUnavailable(
            f"runtime {runtime!r} needs {runtime}, which is an extra: install sightline[{runtime}]"
        ) from error
