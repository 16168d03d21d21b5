"""May these towers stand for the reference? Enter at `certify`."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from sightline.data import Source
from sightline.embedder import Embedder
from sightline.errors import CertificateError
from sightline.evaluate.gather import OnProgress
from sightline.runtime.certificate import (
    REFERENCE,
    VERSION,
    Certificate,
    Measured,
    engine_of,
)
from sightline.runtime.parity_figures import Closeness, Figures
from sightline.runtime.parity_limits import LIMITS
from sightline.verify.batches import drift, image_drift, text_drift
from sightline.verify.closeness import centred, spread
from sightline.verify.flips import Pair, flips
from sightline.verify.rightness import captioned, retrieval, zero_shot
from sightline.verify.seen import PROBES, Seen, see


def certify(
    reference: Embedder,
    candidate: Embedder,
    source: Source,
    *,
    exact: Embedder | None = None,
    recipe: str = "",
    on_progress: OnProgress | None = None,
) -> Certificate:
    """Measure how close a model's towers in another precision or engine come to the reference.

    The certificate says whether they pass; making it never fails because they do not.

    Args:
        reference: The model in float32, in any engine.
        candidate: The same model in other towers.
        source: Pictures with labels, captions or both; read twice.
        exact: The candidate's engine in float32, which shows faults that rounding hides; None does
            for a candidate in float32 alone.
        recipe: The sha256 of what the candidate was made by, such as its scales; "" if nothing.
        on_progress: Called with the number of pictures and texts done since its last call; both
            models see all of them.

    Raises:
        CertificateError: The two are not of one model, the reference is not in float32, nothing is
            known of the candidate's precision, or the candidate gives a picture no vector.
        DataError: The source holds no example.
    """
    _require_pair(reference, candidate)
    before = see(reference, source, on_progress)
    after = see(candidate, source, on_progress)
    _require_same(before, after, source)
    return Certificate(
        version=VERSION,
        fingerprint=reference.fingerprint,
        candidate=engine_of(candidate.towers),
        recipe=recipe,
        reference=engine_of(reference.towers),
        measured_on=Measured(
            name=source.name,
            images=len(before.examples),
            captions=sum(len(texts) for _, texts in captioned(before.examples)),
            classes=len(before.labels),
            content_digest=before.content_digest,
        ),
        figures=_figures(before, after, candidate, _exact(before, reference, candidate, exact)),
        limits=LIMITS[candidate.towers.precision],
        date=datetime.now(UTC).date().isoformat(),
        machine=machine(),
    )


def _require_pair(reference: Embedder, candidate: Embedder) -> None:
    """Refuse what no figure could say anything about.

    Raises:
        CertificateError: The two are not of one model, or not in the right precisions.
    """
    one, other = reference.fingerprint, candidate.fingerprint
    if one != other:
        raise CertificateError(
            f"the candidate is of the model {other} and the reference of {one}: open both from one"
        )
    if reference.towers.precision != REFERENCE:
        raise CertificateError(
            f"the reference computes in {reference.towers.precision!r}: open it with precision "
            f"{REFERENCE!r}"
        )
    precision = candidate.towers.precision
    if precision not in LIMITS:
        raise CertificateError(
            f"no limits are known for the precision {precision!r}: choose one of "
            f"{', '.join(LIMITS)}"
        )


def _require_same(before: Seen, after: Seen, source: Source) -> None:
    """Refuse to compare vectors of other pictures.

    Raises:
        CertificateError: The candidate gives no vector where the reference does, or the source
            changed between the two.
    """
    lost = [key for key in after.unread if key not in set(before.unread)]
    if lost:
        raise CertificateError(
            f"the candidate gives {len(lost)} of {len(before.examples)} pictures no vector, "
            f"{lost[0]} first, where the reference does: its image tower is broken"
        )
    if before.content_digest != after.content_digest:
        raise CertificateError(
            f"{source.name} gave other examples when it was read again: leave it alone meanwhile"
        )
    if not before.probes:
        raise CertificateError(
            f"{source.name} begins with pictures that cannot be read: put others first"
        )


def _exact(
    seen: Seen, reference: Embedder, candidate: Embedder, exact: Embedder | None
) -> float | None:
    """Return how far the candidate's engine is from the reference where it does not round."""
    alike = candidate if candidate.towers.precision == REFERENCE else exact
    if alike is None:
        return None
    _require_pair(reference, alike)
    return drift(reference, alike, seen.probes, seen.texts[:PROBES])


def _figures(before: Seen, after: Seen, candidate: Embedder, exact: float | None) -> Figures:
    """Put all figures together."""
    images = Pair(reference=before.images, candidate=after.images)
    texts = Pair(reference=before.text_vectors, candidate=after.text_vectors)
    step = max(1, len(before.texts) // PROBES)
    chosen = before.texts[::step][:PROBES]
    return Figures(
        exact=exact,
        images=_closeness(images, before.different, image_drift(candidate, before.probes)),
        texts=_closeness(texts, len(before.texts), text_drift(candidate, chosen)),
        prompts=spread(before.prompts, after.prompts),
        image_to_text=flips(images, texts),
        text_to_image=flips(texts, images),
        zero_shot=zero_shot(before, after),
        retrieval=retrieval(before, after),
    )


def _closeness(pair: Pair, count: int, batch: float) -> Closeness:
    return Closeness(
        count=count,
        cosine=spread(pair.reference, pair.candidate),
        centred=centred(pair.reference, pair.candidate),
        batch=batch,
    )


def machine() -> str:
    """Name the processor: another may round otherwise, or lack what makes a precision fast."""
    facts = Path("/proc/cpuinfo")
    named = platform.processor() or platform.machine()
    if facts.is_file():
        lines = facts.read_text(encoding="utf-8", errors="replace").splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        named = next(models, named)
    return f"{named}, {os.cpu_count()} cores, {platform.system()}"
