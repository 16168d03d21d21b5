"""The three ways into towers that are graphs. Enter at `GraphTowers`."""

from abc import ABC, abstractmethod

import numpy as np

from sightline.runtime.graphs import Tower
from sightline.shapes import Float32, Int64


class GraphTowers(ABC):
    """Towers of which each is one graph, whatever engine opens it."""

    @abstractmethod
    def run(self, tower: Tower, rows: np.ndarray) -> np.ndarray:
        """Put rows through a tower, from any thread; of none there is nothing to compute."""

    def image(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images embed_dim"]:
        """Return one vector per image."""
        return self.run("image", pixels)

    def text(
        self, ids: Int64[np.ndarray, "captions tokens"]
    ) -> Float32[np.ndarray, "captions embed_dim"]:
        """Return one vector per row of ids; shorter rows only where `spec.text.may_trim`."""
        return self.run("text", ids)

    def patches(
        self, pixels: Float32[np.ndarray, "images 3 height width"]
    ) -> Float32[np.ndarray, "images patches embed_dim"]:
        """Return one vector per patch, row by row; in float32 whatever the others are in."""
        return self.run("patches", pixels)
