"""See how far the numbers go inside a model's towers, on real inputs. Enter at `calibrate`."""

from collections.abc import Iterable, Mapping

import numpy as np

from sightline.checkpoints import Checkpoint
from sightline.runtime.graphs import Tower, complete
from sightline.runtime.located import located
from sightline.runtime.onnx_session import open_bytes
from sightline.runtime.ranges import Range, range_of
from sightline.runtime.watched_graph import HIGHEST, LOWEST, WatchedGraph


def calibrate(
    checkpoint: Checkpoint, tower: Tower, batches: Iterable[np.ndarray]
) -> Mapping[str, Range]:
    """Return the range of what enters each product of a tower.

    Args:
        checkpoint: An opened model.
        tower: "image" or "text".
        batches: What the tower is given: pixels, or rows of ids without needless pads.

    Raises:
        CheckpointError: The weights are not the ones the spec describes.
    """
    found = located(checkpoint.weights)
    graph = WatchedGraph(checkpoint.weights, found)
    session = open_bytes(complete(graph, checkpoint, tower, {}), found.folder)
    [given] = session.get_inputs()
    wanted = [each.name for each in session.get_outputs() if each.name != "vector"]
    extremes: dict[str, np.ndarray] = {}
    for batch in batches:
        for name, seen in zip(wanted, session.run(wanted, {given.name: batch}), strict=True):
            pick = np.minimum if name.endswith(LOWEST) else np.maximum
            extremes[name] = pick(extremes.get(name, seen), seen)
    ranges = {}
    for name, readers in graph.readers.items():
        linear = [layer for layer in readers if layer.operator == "Gemm"]
        weights = [np.asarray(checkpoint.weights[f"{layer.name}.weight"]) for layer in linear]
        lowest, highest = extremes[f"{name}.{LOWEST}"], extremes[f"{name}.{HIGHEST}"]
        ranges[name] = range_of(lowest, highest, weights)
    return ranges
