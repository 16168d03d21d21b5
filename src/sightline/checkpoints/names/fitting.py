"""Published files against the spec: every tensor in its place, or a sentence why not.

Enter at `fit`.
"""

from collections.abc import Mapping, Sequence

from sightline.checkpoints.names.table import NameTable, look_up, reads, spell
from sightline.checkpoints.names.tables import NAME_TABLES
from sightline.checkpoints.weights import Weights
from sightline.errors import CheckpointError
from sightline.spec.inventory import Shape, is_counter, shapes
from sightline.spec.towers import Spec
from sightline.tensors import Place, TensorFile

FLOATING = ("F64", "F32", "F16", "BF16")
NAMED = 3  # tensors that a message names


def fit(files: Sequence[TensorFile], spec: Spec, table: NameTable) -> Weights:
    """Return the tensors of a spec as they lie in files of a published layout.

    Raises:
        CheckpointError: A tensor is missing, left over or of another shape; names three of them,
            and the layout that would fit.
    """
    there = {name: place for file in files for name, place in file.places.items()}
    found = look_up(there, table)
    wanted = shapes(spec)
    counters = {name for name in found.places if is_counter(name)}
    missing = sorted(wanted.keys() - found.places.keys())
    strange = sorted(found.theirs[name] for name in found.places.keys() - wanted.keys() - counters)
    left_over = sorted({*found.left_over, *strange})
    if missing or left_over:
        raise CheckpointError(_unfit(files, there, table, missing, left_over))
    places = {}
    for name, place in found.places.items():
        if name in counters:
            places[name] = place
            continue
        places[name] = _shaped(place, wanted[name], found.theirs[name])
        if place.dtype not in FLOATING:
            raise CheckpointError(
                f"{place.path} has {found.theirs[name]} stored as {place.dtype}: only weights "
                f"stored as {', '.join(FLOATING)} are read here"
            )
    return Weights(files, places)


def table_that_reads(names: Sequence[str]) -> NameTable | None:
    """Return the first layout of which every name is known; None where there is none."""
    return next((table for table in NAME_TABLES.values() if reads(names, table)), None)


def nearest_table(names: Sequence[str], spec: Spec) -> NameTable:
    """Return the layout that can hold a model and knows most names of a file, to read it by.

    Args:
        names: Of the file's tensors.
        spec: Of the model.
    """
    wanted = list(shapes(spec))
    first = table_that_reads(names)
    if first is not None and not spell(wanted, first)[1]:  # as in every file that is whole
        return first
    able = [table for table in NAME_TABLES.values() if not spell(wanted, table)[1]]

    def known(table: NameTable) -> int:
        return sum(reads([name], table) for name in names)

    return max(able or NAME_TABLES.values(), key=known)


def _shaped(place: Place, shape: Shape, theirs: str) -> Place:
    """Return a tensor in our shape, which may leave out axes of length one in front."""
    core = place.shape
    while core[:1] == (1,) and len(core) > len(shape):
        core = core[1:]
    if core != shape:
        raise CheckpointError(
            f"{place.path} has {theirs} of shape {list(place.shape)} where the model that its "
            f"record describes needs {list(shape)}: the two do not belong together"
        )
    return place.shaped(shape)


def _unfit(
    files: Sequence[TensorFile],
    there: Mapping[str, Place],
    table: NameTable,
    missing: Sequence[str],
    left_over: Sequence[str],
) -> str:
    """Say what does not fit, and what would."""
    written, unknown = spell(missing, table)  # of parts that theirs joins, all are missing
    missing = sorted([*(one.theirs for one in written), *unknown])
    faults = (("lacks", missing), ("has left over", left_over))
    said = [f"{verb} {some(names)}" for verb, names in faults if names]
    sentence = f"{files[0].path} {' and '.join(said)} for a model in {table.title} layout"
    other = None if reads(there, table) else table_that_reads(list(there))
    if other is not None:
        return f"{sentence}: its names are those of {other.title} layout"
    return f"{sentence}: its weights and its record do not belong together"


def some(names: Sequence[str]) -> str:
    """Say how many tensors, and name three at most."""
    named = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    return f"{len(names)} tensor{'s' * (len(names) != 1)} ({named})"
