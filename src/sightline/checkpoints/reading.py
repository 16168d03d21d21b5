"""From a path to one `Checkpoint`, whichever library wrote what is there. Enter at `read`."""

from pathlib import Path

from sightline.checkpoints.checkpoint import Checkpoint
from sightline.checkpoints.folder import MANIFEST, read_folder
from sightline.errors import CheckpointError

BUNDLED = Path(__file__).parents[1] / "bundled"
SHOWN = 300  # characters of a path that no system takes


def read(path: str | Path | None = None, *, architecture: str | None = None) -> Checkpoint:
    """Open a model, without reading its weights.

    Args:
        path: A model folder of ours, of Hugging Face's (CLIP, SigLIP, SigLIP 2 of fixed
            resolution) or of OpenCLIP's; a file of weights: an archive of OpenAI's, or any in
            OpenCLIP's layout whose architecture is named; None is the model that comes with the
            package.
        architecture: As OpenCLIP spells it, for a file that does not say what it is.

    Raises:
        CheckpointError: Anything missing, left over, cut short, changed or unknown.
        SpecError: There is no such architecture.
    """
    if path is None and not (BUNDLED / MANIFEST).is_file():
        raise CheckpointError("no model is bundled with this Sightline: give a model folder")
    place = BUNDLED if path is None else Path(path)
    _refuse_no_path(place)
    if place.is_file():
        return _read_file(place, architecture)
    if architecture is not None:
        raise CheckpointError(
            f"architecture {architecture!r} was named for {place}, which is no file of "
            "bare weights: a folder says itself what it is, so leave the name out"
        )
    return read_folder(place)


def _read_file(place: Path, architecture: str | None) -> Checkpoint:
    """Open bare weights; those that a record describes are read with it."""
    from sightline.checkpoints.published import READERS, read_bare

    for name in (MANIFEST, *sorted({reader.record for reader in READERS})):
        if place.with_name(name).exists():
            raise CheckpointError(
                f"{place} is a file that {name} beside it describes: give the folder it lies in"
            )
    return read_bare(place, architecture)


def _refuse_no_path(place: Path) -> None:
    """Refuse what the system will not even look at; what is missing is for others to say."""
    try:
        place.stat()
    except FileNotFoundError:  # a folder may be missing for a moment, while it is replaced
        return
    except OSError as error:
        raise CheckpointError(
            f"{str(place)[:SHOWN]!r} cannot be looked at ({error.strerror}): check the path"
        ) from error
    except ValueError as error:
        raise CheckpointError(f"{str(place)[:SHOWN]!r} is no path ({error}): check it") from error
