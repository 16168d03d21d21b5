"""Names of published checkpoints → verified files on disk. Enter at `open_model`."""

from sightline.hub.catalog import Entry, catalog
from sightline.hub.client import Fetched, Terms, cached, fetch
from sightline.hub.opening import name_at, open_model
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
