"""Towers in OpenVINO, compiled over the weights. Enter at `OpenVinoTowers`."""

from threading import Lock

import numpy as np

from sightline.checkpoints import Checkpoint
from sightline.errors import RuntimeUnavailable
from sightline.runtime.choosing import Choice
from sightline.runtime.graph_towers import GraphTowers
from sightline.runtime.graphs import Tower
from sightline.runtime.openvino_session import (
    Compiled,
    Settings,
    computes_bfloat16,
    engine,
    open_compiled,
    version,
)
from sightline.runtime.ranges import named
from sightline.runtime.tower_graph import TowerGraph


class OpenVinoTowers(GraphTowers):
    """A graph for each tower, compiled when it is first used; calls may come from many threads."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        choice: Choice,
        *,
        threads: int | None = None,
    ) -> None:
        """Compile nothing yet.

        Args:
            checkpoint: An opened model.
            choice: In "float32", "bfloat16" or "int8", and why.
            threads: For one call; None leaves it to OpenVINO: one a physical core.

        Raises:
            RuntimeUnavailable: OpenVINO is not installed, or the processor lacks the precision.
        """
        engine()  # one that is missing is told now, not at the first picture
        if choice.precision == "bfloat16" and not computes_bfloat16():
            raise RuntimeUnavailable(
                "this processor has no bfloat16: use precision 'float32', or runtime 'torch', "
                "which computes it slowly"
            )
        self.precision = choice.precision
        self._choice = choice
        self._checkpoint = checkpoint
        self._threads = threads
        self._compiled: dict[Tower, Compiled] = {}
        self._compiling = Lock()

    @property
    def description(self) -> str:
        """What was chosen and why, in one line."""
        how = f"{self.precision}{named(self._choice.ranges)}, threads: {self._threads or 'all'}"
        return f"openvino {version()} on the cpu, {how}; {self._choice.why}"

    def run(self, tower: Tower, rows: np.ndarray) -> np.ndarray:
        """Put rows through a tower; of none there is nothing to compute."""
        compiled = self.open(tower)
        if not len(rows):
            return np.zeros((0, *compiled.shape[1:]), dtype=np.float32)
        return compiled(rows)

    def open(self, tower: Tower) -> Compiled:
        """Compile a tower, once; calling this early hides the wait behind other work.

        Raises:
            CheckpointError: The weights are not the ones the spec describes.
        """
        with self._compiling:
            if tower not in self._compiled:
                self._compiled[tower] = self._compile(tower)
            return self._compiled[tower]

    def _compile(self, tower: Tower) -> Compiled:
        """Compile a tower; dense vectors are not made in eight bits."""
        precision, ranges = self.precision, self._choice.ranges
        if tower == "patches" and ranges is not None:
            precision, ranges = "float32", None
        graph = TowerGraph(self._checkpoint, tower, ranges)
        return open_compiled(graph, Settings(precision, self._threads))
