"""Towers that answer only for weights that are what their record says. Enter at `CheckedTowers`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np

from sightline.checkpoints import Checkpoint, verify_digests
from sightline.checkpoints.digests import Part
from sightline.runtime import Towers
from sightline.shapes import Float32, Int64


class CheckedTowers:
    """An engine's towers, each tower's tensors compared with their digests by its first answer.

    The engine opens the tower and computes meanwhile; its answer is kept back until the tensors
    are known to be the right ones. One tower alone is one tower read. Calls may come from many
    threads.
    """

    def __init__(self, towers: Towers, checkpoint: Checkpoint) -> None:
        """Compare nothing yet.

        Args:
            towers: What runs.
            checkpoint: What they were opened from.
        """
        self._towers = towers
        self._checkpoint = checkpoint
        self._checked: set[Part] = set()
        self._checking = Lock()

    @property
    def description(self) -> str:
        """What was chosen and why, in one line."""
        return self._towers.description

    @property
    def precision(self) -> str:
        """The precision the vectors were computed in."""
        return self._towers.precision

    def image(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images embed_dim"]:
        """Return one vector per image."""
        return self._answer("image", lambda: self._towers.image(pixels))

    def text(
        self, ids: Int64[np.ndarray, "captions tokens"]
    ) -> Float32[np.ndarray, "captions embed_dim"]:
        """Return one vector per row of ids; shorter rows only where `spec.text.may_trim`."""
        return self._answer("text", lambda: self._towers.text(ids))

    def patches(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images patches embed_dim"]:
        """Return one vector per patch, row by row."""
        return self._answer("image", lambda: self._towers.patches(pixels))

    def _answer(self, part: Part, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Compute, and compare the tower's tensors beside that if nobody has.

        Raises:
            CheckpointError: A tensor changed since it was written.
        """
        if part in self._checked:
            return compute()
        with ThreadPoolExecutor(1) as aside:
            compared = aside.submit(self._check, part)
            try:
                return compute()
            finally:
                compared.result()  # a changed tensor is why, whatever came of computing with it

    def _check(self, part: Part) -> None:
        """Compare a tower's tensors, once.

        Raises:
            CheckpointError: A tensor changed since it was written.
        """
        with self._checking:
            if part not in self._checked:
                verify_digests(self._checkpoint, [part])
                self._checked.add(part)
