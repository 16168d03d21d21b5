"""One tower as engines open it: its graph, made when it is needed. Enter at `TowerGraph`."""

import math
import os
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from sightline.checkpoints import Checkpoint, Weights
from sightline.checkpoints.digests import Part, part_of
from sightline.runtime.graphs import FILES, Tower, build, complete
from sightline.runtime.located import Located, in_memory, located
from sightline.runtime.quantised_graph import QuantisedGraph
from sightline.runtime.ranges import Ranges


class TowerGraph:
    """A tower of a model, in float32 or in eight bits.

    It is always made here, which takes milliseconds. One that lies beside the weights is for other
    engines: whoever wrote it could have it compute anything under this model's name.
    """

    def __init__(self, checkpoint: Checkpoint, tower: Tower, ranges: Ranges | None = None) -> None:
        """Make nothing yet.

        Args:
            checkpoint: An opened model.
            tower: Which one.
            ranges: What the products of a tower in eight bits are rounded by; None: in float32.
        """
        self._checkpoint = checkpoint
        self._tower = tower
        self._ranges = ranges
        self.part: Part = "text" if tower == "text" else "image"
        self.path: Path = checkpoint.folder / FILES[tower]  # for messages: where it would lie

    @property
    def weights(self) -> Weights:
        """The tensors that it points at."""
        return self._checkpoint.weights

    @cached_property
    def found(self) -> Located:
        """Where an engine finds their files."""
        return located(self.weights)

    @cached_property
    def contents(self) -> bytes:
        """The graph over the files, as ONNX.

        Raises:
            CheckpointError: The weights are not the ones the spec describes, or the ranges are not
                this tower's.
        """
        return self._over(self.found)

    def over_memory(self) -> bytes:
        """Return the graph over the mapped bytes, which must outlive what is opened.

        Raises:
            CheckpointError: As `contents`.
        """
        return self._over(in_memory(self.weights))

    @cached_property
    def identity(self) -> str:
        """The sha256 of all that the tower is made of, told without rounding a weight."""
        exact = (
            self.contents
            if self._ranges is None
            else build(self._checkpoint, self._tower, self.found)
        )
        rounded_by = "" if self._ranges is None else self._ranges.digest
        return sha256(os.fsencode(f"{self.weights.state}\n{rounded_by}\n") + exact).hexdigest()

    @property
    def is_rounded(self) -> bool:
        """Whether its products are in eight bits."""
        return self._ranges is not None

    @property
    def copy_bytes(self) -> int:
        """How much a copy of its weights takes, in the numbers that it computes with."""
        read = (name for name in self.weights.names() if part_of(name) == self.part)
        numbers = sum(math.prod(self.weights.place(name).shape) for name in read)
        return numbers * (4 if self._ranges is None else 1)

    def _over(self, found: Located) -> bytes:
        """Make the graph over files that are found somewhere."""
        if self._ranges is None:
            return build(self._checkpoint, self._tower, found)
        graph = QuantisedGraph(self.weights, found, self._ranges.by_name)
        return complete(graph, self._checkpoint, self._tower, {})
