"""Write a model folder's graphs, for other engines too. Enter at `export_graphs`."""

from pathlib import Path

from sightline.checkpoints import read
from sightline.checkpoints.replacement import replace_file
from sightline.errors import CheckpointError
from sightline.runtime.graphs import FILES, TOWERS, build


def export_graphs(folder: str | Path) -> tuple[Path, ...]:
    """Write image.onnx, text.onnx and patches.onnx beside the weights they point into.

    Needs neither torch nor the onnx package. The graphs hold no weights: they travel with
    model.safetensors, and `models check` knows them by it. No runtime of ours reads them.

    Returns:
        The files written.

    Raises:
        CheckpointError: The folder is not a model's, or cannot be written to.
    """
    checkpoint = read(folder)
    written = []
    for tower in TOWERS:
        path = checkpoint.folder / FILES[tower]
        try:
            replace_file(path, build(checkpoint, tower))
        except OSError as error:
            raise CheckpointError(
                f"{path} cannot be written ({error.strerror or error}): free some space or make "
                "the folder writable"
            ) from error
        written.append(path)
    return tuple(written)
