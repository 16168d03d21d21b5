"""A folder of ours that transformers opens too: where its files say something else than ours.

Enter at `said_otherwise`.
"""

from sightline.checkpoints.checkpoint import Checkpoint
from sightline.checkpoints.comparing import FREE, differences
from sightline.checkpoints.folder import MANIFEST
from sightline.checkpoints.published import read_huggingface
from sightline.errors import CheckpointError


def said_otherwise(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return in what transformers would take another model from the files beside our record.

    Its processor cannot round a crop's offset to even, nor its tokenizers clean in every way: our
    record then says more than they do, and whoever opens the folder with transformers is told.

    Args:
        checkpoint: An opened model; of another layout than ours there is nothing to say.
    """
    folder = checkpoint.folder
    if checkpoint.layout != "sightline" or not (folder / "config.json").is_file():
        return ()
    theirs = f"transformers' files beside {MANIFEST}"
    try:
        found = differences(checkpoint.spec, read_huggingface(folder).spec)
    except CheckpointError as error:
        return (f"{theirs} cannot be followed: {str(error).replace(f'{folder}/', '')}",)
    return tuple(f"{theirs} say {one}" for one in found if one.split(":")[0] not in FREE)
