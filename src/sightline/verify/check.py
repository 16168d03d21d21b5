"""Is a model still what was written, and if not, which part of it is wrong? Enter at `check`."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from sightline.checkpoints import Checkpoint, read, reading
from sightline.checkpoints.digests import computed
from sightline.checkpoints.folder import CANARIES, MANIFEST
from sightline.checkpoints.json_file import read_json
from sightline.checkpoints.manifest import fingerprint
from sightline.errors import CheckpointError, SpecError
from sightline.spec import TextRecipe
from sightline.spec.document import spec_to_json
from sightline.verify.canaries import Canaries, Said, read_canaries
from sightline.verify.files import (
    Tensors,
    broken_weights,
    check_beside,
    check_fingerprint,
    check_graphs,
    check_record,
    check_spec,
    check_tensors,
    check_tokenizer,
)
from sightline.verify.findings import Findings, Note, differs, unknown
from sightline.verify.recipes import check_ids, check_pixels
from sightline.verify.vectors import check_vectors

OTHERS = ("tensors", "tokenizer", "graphs")  # parts whose fields no small file says


def check(path: str | Path | None = None, *, architecture: str | None = None) -> Findings:
    """Compare a model with its canaries and its own record, and name what is wrong.

    What the canaries say of the spec is believed only as far as their pixels, ids and vectors bear
    it out: where these differ, fields are tried until they come out.

    Args:
        path: As for `checkpoints.read`.
        architecture: Likewise.

    Raises:
        CheckpointError: It does not open, and is no folder of which canaries or a record of ours
            say what it was.
    """
    place = reading.BUNDLED if path is None else Path(path)
    try:
        checkpoint = read(path, architecture=architecture)
    except CheckpointError as error:
        # What a file of weights lacks may be no more than its architecture's name.
        if not any((place / name).is_file() for name in (CANARIES, MANIFEST)):
            raise
        return Findings(
            model=_text(place), layout="", fingerprint="", notes=(*_of_unopened(place, error),)
        )
    now = computed(checkpoint.weights)
    return Findings(
        model=_text(place),
        layout=checkpoint.layout,
        fingerprint=fingerprint(checkpoint.spec, now, checkpoint.tokenizer),
        notes=(*_of_opened(checkpoint, now),),
    )


def _text(place: Path) -> str:
    """Return a path as text: a name that is no UTF-8 has no place in JSON."""
    return os.fsencode(place).decode(errors="replace")


def _of_unopened(folder: Path, error: CheckpointError) -> Iterator[Note]:
    """Note why a model does not open, and which field or file of it is wrong."""
    why = f"it does not open: {error}"
    canaries, missing = _canaries(folder / CANARIES)
    if canaries is None:
        yield differs("files", why, "files")
        yield from missing
        return
    notes = [*_of_unread(folder, canaries.said)]
    files = check_beside(folder, canaries.said, _fields(notes))
    intact = files.verdict == "agrees"
    yield differs("files", why, *(broken_weights(folder, canaries.said) if intact else ()))
    yield from notes
    if not intact:
        yield files


def _of_unread(folder: Path, said: Said) -> Iterator[Note]:
    """Note what our record says otherwise of the spec than canaries do, if it can be read."""
    try:
        spec = read_json(folder / MANIFEST).get("spec")
    except CheckpointError:
        return
    if isinstance(spec, dict):
        yield from (note for note in check_spec(spec, said) if note.verdict == "differs")


def _of_opened(checkpoint: Checkpoint, now: Tensors) -> Iterator[Note]:
    """Note what a model that opens is like."""
    canaries, missing = _canaries(checkpoint.folder / CANARIES)
    said = None if canaries is None else canaries.said
    notes = [check_tensors(checkpoint, now, said), check_tokenizer(checkpoint, said)]
    if canaries is None:
        notes += missing
    else:
        notes += _of_compared(checkpoint, canaries, is_intact=notes[0].verdict == "agrees")
    if said is not None and not _is_wrong(notes):
        notes.append(check_fingerprint(checkpoint, now, said))
    if not _is_wrong(notes):  # else they are made from what is wrong
        notes += check_graphs(checkpoint)
    if said is not None:
        notes.append(check_beside(checkpoint.folder, said, _fields(notes)))
    yield from notes


def _fields(notes: Sequence[Note]) -> list[str]:
    """Return what is wrong in the spec or the record."""
    return [name for note in notes if note.part not in OTHERS for name in note.fields]


def _is_wrong(notes: list[Note]) -> bool:
    return any(note.verdict == "differs" for note in notes)


def _canaries(path: Path) -> tuple[Canaries | None, list[Note]]:
    """Return the canaries, or why there are none."""
    if not path.is_file():
        lacking = f"there is no {CANARIES}, so nothing says what spec, pixels, ids and vectors were"
        return None, [unknown("canaries", lacking)]
    try:
        return read_canaries(path), []
    except CheckpointError as error:
        return None, [differs("canaries", str(error), CANARIES)]


def _of_compared(checkpoint: Checkpoint, canaries: Canaries, *, is_intact: bool) -> Iterator[Note]:
    """Note how a model differs from its canaries."""
    spec = checkpoint.spec
    yield from check_spec(spec_to_json(spec), canaries.said)
    if checkpoint.layout == "sightline":
        yield from check_record(checkpoint.record, canaries.said)
    yield check_pixels(spec.pixels, canaries)
    note, words = check_ids(spec.words, checkpoint.folder, canaries)
    yield note
    mended = _with_words(checkpoint, words)
    yield check_vectors(mended, canaries, "image", is_intact=is_intact)
    yield check_vectors(mended, canaries, "text", is_intact=is_intact)


def _with_words(checkpoint: Checkpoint, words: TextRecipe) -> Checkpoint:
    """Return the model with another text recipe: where a text ends decides what is pooled."""
    try:
        spec = msgspec.structs.replace(checkpoint.spec, words=words)
    except SpecError:
        return checkpoint
    return replace(checkpoint, spec=spec, listed=checkpoint.tensors)
