"""The towers of an exported folder, opened as anyone would open them. Enter at `ExportedTowers`."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock

import numpy as np

from sightline.export.plan import ENDINGS, Plan
from sightline.runtime import Towers
from sightline.runtime.graph_towers import GraphTowers
from sightline.runtime.graphs import Tower


class ExportedTowers(GraphTowers):
    """What a user of the folder computes with; a text tower that does not go along is the model's.

    Class vectors are made by the model in float32, whatever the image tower is in.
    """

    def __init__(self, folder: Path, plan: Plan, model: Towers) -> None:
        """Open nothing yet.

        Args:
            folder: Where the graphs are.
            plan: How they were exported.
            model: What they were exported from, in float32.
        """
        self.precision: str = plan.precision
        self._folder = folder
        self._plan = plan
        self._model = model
        self._opened: dict[Tower, Callable[[np.ndarray], np.ndarray]] = {}
        self._opening = Lock()

    @property
    def description(self) -> str:
        """The engine, its version and what it opened."""
        if self._plan.format == "openvino":
            from sightline.runtime.openvino_session import version

            return f"openvino {version()} on the cpu, {self.precision}, exported"
        from sightline.runtime.onnx_session import engine

        return f"onnxruntime {engine().__version__} on the cpu, {self.precision}, exported"

    def run(self, tower: Tower, rows: np.ndarray) -> np.ndarray:
        """Put rows through a tower."""
        if tower not in self._plan.towers:
            return self._model.text(rows) if tower == "text" else self._model.patches(rows)
        with self._opening:
            if tower not in self._opened:
                self._opened[tower] = self._open(tower)
        return self._opened[tower](rows)

    def _open(self, tower: Tower) -> Callable[[np.ndarray], np.ndarray]:
        """Open a tower's file.

        Raises:
            CheckpointError: It is broken.
        """
        path = self._folder / f"{tower}{ENDINGS[self._plan.format]}"
        if self._plan.format == "openvino":
            from sightline.runtime.openvino_session import open_ir

            return open_ir(path)
        from sightline.runtime.onnx_session import open_file

        session = open_file(path)
        [given] = session.get_inputs()
        return lambda rows: np.asarray(session.run(None, {given.name: rows})[0])
