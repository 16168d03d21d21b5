"""A graph that tells how far the numbers go that enter its products. Enter at `WatchedGraph`."""

from collections.abc import Sequence

from sightline.checkpoints import Weights
from sightline.runtime.located import Located
from sightline.runtime.model_graph import Layer, ModelGraph

LOWEST, HIGHEST = "lowest", "highest"


class WatchedGraph(ModelGraph):
    """A tower whose outputs, beside the vectors, are the extremes of each product's input.

    A value that several products read is watched once, under the first one's name: a layer's
    channel by channel, an attention's queries and keys as a whole.
    """

    def __init__(self, weights: Weights, found: Located) -> None:
        """Begin a graph."""
        super().__init__(weights, found)
        self.readers: dict[str, list[Layer]] = {}  # the name of a watched value → who reads it
        self._names: dict[str, str] = {}

    def layer(self, layer: Layer, value: str) -> str:
        """Watch a layer's input."""
        over = (0,) if layer.operator == "Gemm" else (0, 2, 3)
        self._watch(layer.name, value, over, (layer.channels,))
        self.readers[self._names[value]].append(layer)
        return super().layer(layer, value)

    def scores(self, name: str, query: str, key: str) -> str:
        """Watch queries and keys."""
        for part, value in (("query", query), ("key", key)):
            self._watch(f"{name}.scores.{part}", value, (0, 1, 2, 3), ())
        return super().scores(name, query, key)

    def _watch(self, name: str, value: str, over: Sequence[int], left: Sequence[int]) -> None:
        """Give out the extremes of a value over some axes, unless that is done."""
        if value in self._names:
            return
        self._names[value], self.readers[name] = name, []
        axes = self.integers(*over)
        for which, operator in ((LOWEST, "ReduceMin"), (HIGHEST, "ReduceMax")):
            self.output(f"{name}.{which}", self.node(operator, value, axes, keepdims=0), left)
