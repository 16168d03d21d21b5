from typing import Any

import numpy as np
import pytest

from sightline.verify.batches import extremes, image_drift, text_drift
from tiny_embedder import RGB, ColourTowers, colour_embedder, png

PICTURES = [png(rgb) for rgb in RGB.values()]


class Scaled(ColourTowers):
    """Rounds to a scale that the whole batch sets."""

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """Round pixels to a few steps."""
        step = np.float32(np.abs(pixels - pixels.mean()).max() / 3 + 1e-3)
        return super().image(np.asarray(np.round(pixels / step) * step, np.float32))

    def text(self, ids: np.ndarray) -> np.ndarray:
        """Add what depends on the longest text beside it."""
        return super().text(ids) + np.float32(0.01 * ids.shape[1])


def test_vectors_that_are_alone_in_the_world_do_not_move() -> None:
    assert image_drift(colour_embedder(), PICTURES) == 0.0
    assert text_drift(colour_embedder(), ["red", "green", "a blue and red car"]) == 0.0


def test_a_scale_of_the_batch_is_seen() -> None:
    embedder = colour_embedder(towers=Scaled())
    assert image_drift(embedder, PICTURES) > 0.01
    assert text_drift(embedder, ["red", "green", "a blue and red car"]) > 0.01


def test_one_picture_is_enough_because_extremes_stand_beside_it() -> None:
    grey: Any = png((120, 130, 140))
    assert image_drift(colour_embedder(towers=Scaled()), [grey]) > 0.01


def test_extremes_reach_as_far_as_pixels_can() -> None:
    black, white, board = extremes()
    assert (black.max(), white.min()) == (0, 255)
    assert (board.min(), board.max(), board.mean()) == (0, 255, pytest.approx(127.5))
