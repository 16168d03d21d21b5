"""Sightline: one model that knows pictures and words, for its whole life.

    import sightline

    model = sightline.load()
    answer = model.classify(["photo.jpg"], ["cat", "dog"])
    print(answer.best(), answer.scores)

Public names are looked up when they are first used, so that importing the package costs nothing.
"""

from typing import TYPE_CHECKING

from sightline.later import later

if TYPE_CHECKING:
    from sightline.embedder import Embedder, Skipped, load
    from sightline.errors import SightlineError
    from sightline.scoring import Class, Classification
    from sightline.spec import Spec, architecture

_PLACES = {
    "Class": "sightline.scoring",
    "Classification": "sightline.scoring",
    "Embedder": "sightline.embedder",
    "SightlineError": "sightline.errors",
    "Skipped": "sightline.embedder",
    "Spec": "sightline.spec",
    "architecture": "sightline.spec",
    "load": "sightline.embedder",
}

__all__ = [
    "Class",
    "Classification",
    "Embedder",
    "SightlineError",
    "Skipped",
    "Spec",
    "architecture",
    "load",
]


__getattr__ = later(__name__, _PLACES)


def __dir__() -> list[str]:
    """List the public names before they are imported."""
    return [*globals(), *_PLACES]
