"""See how far the numbers go inside a model's towers, on real inputs. Enter at `WatchedTowers`."""

from threading import Lock

import numpy as np

from sightline.checkpoints import Checkpoint
from sightline.errors import CheckpointError
from sightline.runtime.graph_towers import GraphTowers
from sightline.runtime.graphs import Tower, complete
from sightline.runtime.located import located
from sightline.runtime.model_graph import Layer
from sightline.runtime.onnx_session import open_bytes
from sightline.runtime.ranges import Range, Ranges, range_of
from sightline.runtime.watched_graph import HIGHEST, LOWEST, WatchedGraph


class WatchedTowers(GraphTowers):
    """Towers that answer as others do and remember the extremes of what entered their products.

    An `Embedder` over them sees pictures and texts as it always does.
    """

    precision = "float32"
    description = "onnxruntime on the cpu, float32, watched"

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Open nothing yet."""
        self._checkpoint = checkpoint
        self._watched: dict[Tower, _Watched] = {}
        self._one_at_a_time = Lock()

    def run(self, tower: Tower, rows: np.ndarray) -> np.ndarray:
        """Put rows through a tower and look at them."""
        with self._one_at_a_time:
            if tower not in self._watched:
                self._watched[tower] = _Watched(self._checkpoint, tower)
            return self._watched[tower].run(rows)

    def ranges(self) -> Ranges:
        """Return the range of what entered each product of both towers.

        Raises:
            CheckpointError: One of the two was given nothing.
        """
        unseen = [tower for tower in ("image", "text") if tower not in self._watched]
        if unseen:
            raise CheckpointError(
                f"the {unseen[0]} tower of {self._checkpoint.folder} was given nothing to be "
                "calibrated on: give data with pictures and with captions or labels"
            )
        both = (self._watched[tower].ranges() for tower in ("image", "text"))
        return Ranges({name: found for one in both for name, found in one.items()})


class _Watched:
    """One tower and the extremes that it saw."""

    def __init__(self, checkpoint: Checkpoint, tower: Tower) -> None:
        """Open it."""
        found = located(checkpoint.weights)
        self._graph = WatchedGraph(checkpoint.weights, found)
        self._weights = checkpoint.weights
        self._session = open_bytes(complete(self._graph, checkpoint, tower, {}), found.folder)
        self._names = [each.name for each in self._session.get_outputs()]
        self._extremes: dict[str, np.ndarray] = {}

    def run(self, rows: np.ndarray) -> np.ndarray:
        """Put rows through it."""
        [given] = self._session.get_inputs()
        answers = self._session.run(self._names, {given.name: rows})
        seen: dict[str, np.ndarray] = dict(zip(self._names, answers, strict=True))
        vectors = seen.pop("vector")
        for name, extreme in seen.items():
            pick = np.minimum if name.endswith(LOWEST) else np.maximum
            self._extremes[name] = pick(self._extremes.get(name, extreme), extreme)
        return vectors

    def ranges(self) -> dict[str, Range]:
        """Return the range of what entered each product."""
        ranges = {}
        for name, readers in self._graph.readers.items():
            linear = [layer for layer in readers if layer.operator == "Gemm"]
            weights = [self._matrix(layer) for layer in linear]
            low, high = (np.asarray(self._extremes[f"{name}.{end}"]) for end in (LOWEST, HIGHEST))
            ranges[name] = range_of(low, high, weights)
        return ranges

    def _matrix(self, layer: Layer) -> np.ndarray:
        """Return a linear layer's weight, (out, in), as it is rounded: in float32."""
        weight = np.asarray(self._weights[f"{layer.name}.weight"], dtype=np.float32)
        return weight.reshape(-1, layer.channels)
