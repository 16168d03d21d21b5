"""Class vectors kept between runs. Enter at `ClassCache`.

Only a cache: a file that is missing, cut short or damaged is made again, and a folder that cannot
be written to is not used. File names are hashes, so labels cannot be read from them.
"""

import json
import logging
import math
from collections.abc import Callable, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np

from sightline.checkpoints.replacement import replace_file
from sightline.errors import CheckpointError
from sightline.regular_file import read_regular
from sightline.shapes import Float32

_DIGEST_BYTES = 32
_MOST_BESIDE = 1024  # bytes of a file that are not vectors
_log = logging.getLogger(__name__)


class ClassCache(msgspec.Struct, frozen=True):
    """A folder of class vectors, safe with several processes."""

    folder: Path

    def get_or_make(
        self,
        identity: Sequence[object],
        shape: tuple[int, int],
        make: Callable[[], Float32[np.ndarray, "classes embed_dim"]],
    ) -> Float32[np.ndarray, "classes embed_dim"]:
        """Return the vectors kept under this identity, or make and keep them.

        Args:
            identity: All that the vectors depend on, as JSON can write it.
            shape: Classes × embed_dim; a file of another shape is not believed.
            make: Gives the vectors where there are none.
        """
        name = sha256(json.dumps(identity, ensure_ascii=True).encode()).hexdigest()
        path = self.folder / name[:2] / f"{name}.vectors"
        kept = _read(path, math.prod(shape) * np.dtype(np.float32).itemsize + _MOST_BESIDE)
        if kept is not None and kept.shape == shape:
            return kept
        made = make()
        try:
            _write(path, made)
        except OSError as error:
            _log.debug("class vectors were not kept in %s: %s", path, error)
        return made


def _read(path: Path, most_bytes: int) -> Float32[np.ndarray, "classes embed_dim"] | None:
    """Read a file if it is whole: its first bytes are the digest of the rest."""
    try:
        stored = read_regular(path, most_bytes)
    except (OSError, CheckpointError):
        return None
    digest, content = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
    if sha256(content).digest() != digest:
        _log.debug("class vectors in %s are damaged and are made again", path)
        return None
    vectors: Float32[np.ndarray, "classes embed_dim"] = np.load(
        BytesIO(content), allow_pickle=False
    )
    return vectors


def _write(path: Path, vectors: Float32[np.ndarray, "classes embed_dim"]) -> None:
    """Write beside, then rename, so that no reader ever sees half a file."""
    content = BytesIO()
    np.save(content, vectors, allow_pickle=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, sha256(content.getvalue()).digest(), content.getvalue())
