"""What lies beside a model for towers in other engines and precisions. Enter at `certified`."""

from sightline.checkpoints import Checkpoint
from sightline.errors import CertificateError, CheckpointError
from sightline.runtime.certificate import NAME as CERTIFICATE
from sightline.runtime.certificate import Engine, accept, places
from sightline.runtime.ranges import Ranges
from sightline.runtime.ranges_file import NAME as RANGES
from sightline.runtime.ranges_file import read_ranges

CERTIFY = "`sightline models certify`"


def find_ranges(checkpoint: Checkpoint, runtime: str) -> Ranges:
    """Return what a model's towers in eight bits are rounded by.

    Raises:
        CheckpointError: It was not calibrated, or the file is damaged.
    """
    looked = [place / f"{runtime}-int8" / RANGES for place in places(checkpoint)]
    for path in looked:
        if path.exists():
            return read_ranges(path)
    raise CheckpointError(
        f"{checkpoint.folder} was never calibrated for int8 in {runtime}: do that with {CERTIFY}"
    )


def certified(checkpoint: Checkpoint, candidate: Engine, recipe: str = "") -> str:
    """Return a sentence on the certificate that lets an engine stand for the reference.

    Raises:
        CertificateError: There is none, or it did not pass.
    """
    for place in places(checkpoint):
        path = place / candidate.variant / CERTIFICATE
        if path.exists():
            found = accept(path, checkpoint.fingerprint, candidate, recipe)
            on = found.measured_on
            return f"certified on {on.images} pictures of {on.name} ({found.date})"
    raise CertificateError(f"no certificate speaks of {candidate.variant}: make one with {CERTIFY}")


def engine_now(runtime: str, precision: str) -> Engine:
    """Return an engine that computes graphs, as it is installed."""
    if runtime == "openvino":
        from sightline.runtime.openvino_session import version

        return Engine(runtime=runtime, version=version(), precision=precision)
    from sightline.runtime.onnx_session import engine

    return Engine(runtime=runtime, version=str(engine().__version__), precision=precision)
