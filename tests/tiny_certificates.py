"""A certificate that passes, and how to change it. Enter at `certificate`."""

from typing import Any

from sightline.runtime.certificate import VERSION, Certificate, Engine, Measured
from sightline.runtime.parity_figures import (
    Change,
    Closeness,
    Figures,
    Flips,
    Recall,
    Retrieval,
    Spread,
    ZeroShot,
)
from sightline.runtime.parity_limits import LIMITS

SAME = Spread(least=1.0, percentile_1=1.0, median=1.0)
FLIPS = Flips(queries=1000, candidates=1000, first_changed=0.0, first_ten_kept=1.0)
UNCHANGED = Change(queries=1000, before=40.0, points=0.0, low=-0.26, high=0.26)
RECALL = Recall(at_1=UNCHANGED, at_5=UNCHANGED, at_10=None)
CLOSE = Closeness(count=1000, cosine=SAME, centred=SAME, batch=0.0)


def figures(**changes: Any) -> Figures:
    """Return figures of a candidate that does as the reference does."""
    fields: dict[str, Any] = {
        "exact": 0.0,
        "images": CLOSE,
        "texts": CLOSE,
        "prompts": SAME,
        "image_to_text": FLIPS,
        "text_to_image": FLIPS,
        "zero_shot": ZeroShot(agreement=1.0, accuracy=UNCHANGED),
        "retrieval": Retrieval(image_to_text=RECALL, text_to_image=RECALL),
    }
    return Figures(**(fields | changes))


def certificate(**changes: Any) -> Certificate:
    """Return a certificate that passes."""
    precision = changes.pop("precision", "int8")
    fields: dict[str, Any] = {
        "version": VERSION,
        "fingerprint": "ab" * 32,
        "candidate": Engine(runtime="onnxruntime", version="1.31.1", precision=precision),
        "recipe": "",
        "reference": Engine(runtime="torch", version="2.13.0", precision="float32"),
        "measured_on": Measured(
            name="eval-photos",
            images=1000,
            captions=1000,
            classes=10,
            content_digest="cd" * 32,
        ),
        "figures": figures(),
        "limits": LIMITS["int8"],
        "date": "2026-11-22",
        "machine": "a processor, 2 cores, Linux",
    }
    return Certificate(**(fields | changes))
