"""A model as transformers opens it, held to the model. Enter at `share`."""

from pathlib import Path

import msgspec

from sightline.checkpoints import Checkpoint, convert, read
from sightline.data import Source
from sightline.embedder import embedder_of
from sightline.evaluate.gather import OnProgress
from sightline.export.readme import verdict
from sightline.runtime.certificate import NAME as CERTIFICATE
from sightline.runtime.certificate import Certificate, write_certificate
from sightline.verify import certify, write_canaries

CARD = "README.md"


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    tensors: int
    remarks: tuple[str, ...]  # in which transformers has a rule of its own
    certificate: Certificate | None  # None: no data were given to measure on

    @property
    def failed(self) -> bool:
        """Whether a certificate says that the folder may not stand for the model."""
        return self.certificate is not None and not self.certificate.passed


def share(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    replace: bool = False,
    check: Source | None = None,
    on_progress: OnProgress | None = None,
) -> Shared:
    """Write a model in Hugging Face's layout, tensor for tensor the same.

    With data to check on, what its files say is followed and held to the model: a crop that
    transformers rounds otherwise shows there.

    Args:
        checkpoint: An opened model.
        folder: Where: a new folder, or an empty one.
        replace: Whether a model folder that is there may go; one with anything else in it may not.
        check: Pictures with labels or captions, for a certificate.
        on_progress: As for `export`.

    Raises:
        CheckpointError: As for `checkpoints.convert`.
        CertificateError: The data say nothing.
    """
    found: list[Certificate] = []

    def seal(draft: Path) -> None:
        """Certify, say so in the card, and make canaries of all that is there."""
        if check is not None:
            found.append(_certified(checkpoint, draft, check, on_progress))
            write_certificate(found[0], draft / CERTIFICATE)
            with (draft / CARD).open("a", encoding="utf-8") as card:
                card.write(f"\n{verdict(found[0])}\n")
        write_canaries(draft)

    done = convert(checkpoint, folder, "huggingface", replace=replace, seal=seal)
    certificate = found[0] if found else None
    return Shared(tensors=done.tensors, remarks=done.remarks, certificate=certificate)


def _certified(
    checkpoint: Checkpoint, draft: Path, check: Source, on_progress: OnProgress | None
) -> Certificate:
    """Hold what the written files say to the model.

    Where transformers has a rule of its own the two differ by name: what that changes is what is
    measured.
    """
    model = embedder_of(checkpoint, runtime="onnxruntime", precision="float32")
    written = embedder_of(read(draft), runtime="onnxruntime", precision="float32")
    candidate = msgspec.structs.replace(written, identify=lambda: model.fingerprint, cache=None)
    return certify(model, candidate, check, on_progress=on_progress)
