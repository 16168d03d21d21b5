"""Sightline: one model that knows pictures and words, for its whole life.

    import sightline

    model = sightline.load()
    answer = model.classify(["photo.jpg"], ["cat", "dog"])
    print(answer.best(), answer.scores)

Public names are looked up when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    """Import a public name from where it is written (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module 'sightline' has no attribute {name!r}")
    value = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names before they are imported."""
    return [*globals(), *_PLACES]
