"""Folders, limits and the environment variables that move them. Enter at `home`."""

import os
import sys
from pathlib import Path

MAX_IMAGE_BYTES = 256 * 2**20  # a file larger than this is not read
MAX_IMAGE_PIXELS = 128_000_000  # width × height, before decoding: a bomb is refused by its header
MAX_TEXT_CHARACTERS = 1_000_000  # one text; longer is a mistake, not a caption


def home() -> Path | None:
    """Return the folder of all caches: `SIGHTLINE_HOME`, else the platform's cache folder.

    None for a user without a home folder, such as a number in a container: nothing is kept then.
    """
    chosen = os.environ.get("SIGHTLINE_HOME")
    try:
        return Path(chosen).expanduser() if chosen else _platform_cache()
    except RuntimeError:  # pathlib's, where there is no such user or the user has no home
        return None


def precision() -> str:
    """Return what "auto" means where a precision is asked for: `SIGHTLINE_PRECISION`, else "auto".

    A deployment pins it, whose vectors are not to change when an extra is installed.
    """
    return os.environ.get("SIGHTLINE_PRECISION") or "auto"


def _platform_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sightline"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "sightline" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sightline"
