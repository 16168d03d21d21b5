"""Names of published checkpoints → verified files on disk. Enter at `open_model`."""

from typing import TYPE_CHECKING

from sightline.hub.catalog import Entry, catalog  # the module would be taken for `catalog`
from sightline.hub.opening import name_at, open_model
from sightline.later import later

if TYPE_CHECKING:
    from sightline.hub.client import Fetched, Terms, cached, fetch
    from sightline.hub.spelling import Repository, resolve

__all__ = [
    "Entry",
    "Fetched",
    "Repository",
    "Terms",
    "cached",
    "catalog",
    "fetch",
    "name_at",
    "open_model",
    "resolve",
]

# Whoever opens a folder asks for no name.
_PLACES = {
    "Fetched": "sightline.hub.client",
    "Repository": "sightline.hub.spelling",
    "Terms": "sightline.hub.client",
    "cached": "sightline.hub.client",
    "fetch": "sightline.hub.client",
    "resolve": "sightline.hub.spelling",
}
__getattr__ = later(__name__, _PLACES)
