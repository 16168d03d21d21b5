"""Our tensors under a published layout's names. Enter at `spelt`."""

from collections.abc import Mapping

import numpy as np

from sightline.checkpoints.names.table import NameTable, Written, spell
from sightline.checkpoints.safetensors_writing import Stored
from sightline.errors import CheckpointError


def spelt(tensors: Mapping[str, Stored], table: NameTable) -> dict[str, Stored]:
    """Return what a file of a layout holds: joined, turned and named as its library does.

    Raises:
        CheckpointError: The layout has no name for a tensor, or joins several that are stored in
            different types.
    """
    written, unknown = spell(list(tensors), table)
    if unknown:
        raise CheckpointError(
            f"{table.title} layout has no name for {unknown[0]}: choose another layout"
        )
    return {one.theirs: _joined(one, tensors) for one in written}


def _joined(one: Written, tensors: Mapping[str, Stored]) -> Stored:
    """Put the parts below one another, and into the shape of the layout."""
    parts, row = [tensors[name] for name in one.ours], one.row
    kinds = {part.dtype for part in parts}
    if len(kinds) > 1:
        raise CheckpointError(
            f"{one.theirs} joins tensors that are stored as {' and '.join(sorted(kinds))}: store "
            "them in one type"
        )
    words = parts[0].words if len(parts) == 1 else np.concatenate([part.words for part in parts])
    words = words.T if row.turned else words
    words = words.reshape((1,) * row.lead + words.shape)
    return Stored(parts[0].dtype, np.asarray(words, order="C"))
