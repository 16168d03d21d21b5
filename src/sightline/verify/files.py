"""Tensors, tokenizer, spec, record, small files and graphs against what canaries say of them.

Enter at `check_tensors`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sightline.checkpoints import Checkpoint, Record
from sightline.checkpoints.json_file import read_bytes
from sightline.checkpoints.manifest import TensorRecord, fingerprint
from sightline.checkpoints.names import some
from sightline.errors import CheckpointError, SpecError
from sightline.runtime.graphs import FILES, TOWERS, binding, build
from sightline.spec import Spec
from sightline.spec.architectures import ARCHITECTURES
from sightline.verify.beside import CARD, SAYS, beside
from sightline.verify.canaries import Said
from sightline.verify.findings import Note, agrees, differs, shown, unknown
from sightline.verify.recipes import CLEANINGS, GEOMETRY
from sightline.verify.trying import (
    Alternatives,
    changes,
    choices,
    remedy,
    unlike,
    variants,
)
from sightline.verify.vectors import alternatives

Tensors = Mapping[str, TensorRecord]


def check_tensors(checkpoint: Checkpoint, now: Tensors, said: Said | None) -> Note:
    """Compare the digest of each tensor with every record of it."""
    listed = [] if checkpoint.listed is None else [checkpoint.listed]
    records = listed if said is None else [*listed, said.tensors]
    if not records:
        return unknown("tensors", f"nothing has a digest of its {len(now)} tensors")
    wrong = [
        name
        for name in sorted({*now, *(name for record in records for name in record)})
        if any(record.get(name) != now.get(name) for record in records)
    ]
    if not wrong:
        return agrees("tensors", f"{len(now)} tensors have the digests that they had")
    if len(wrong) > 1:
        return differs("tensors", f"{some(wrong)} are not what was written", *wrong)
    [name] = wrong
    then = next(record.get(name) for record in records if record.get(name) != now.get(name))
    sentence = f"{name} is {_shown(now.get(name))}, and was {_shown(then)} when it was written"
    return differs("tensors", sentence, name)


def _shown(record: TensorRecord | None) -> str:
    """Say what a tensor is."""
    if record is None:
        return "not there"
    return f"{record.dtype} {list(record.shape)} of sha256 {record.sha256[:12]}…"


def check_tokenizer(checkpoint: Checkpoint, said: Said | None) -> Note:
    """Compare the digest of the tokenizer's file."""
    now = checkpoint.tokenizer
    if said is None and checkpoint.layout != "sightline":
        return unknown("tokenizer", "nothing has a digest of its tokenizer")
    if said is None or said.tokenizer == now:  # of ours, whoever opened it compared the digest
        same = "it is CLIP's own" if now is None else "tokenizer.json has the digest that it had"
        return agrees("tokenizer", same)
    sentence = f"the vocabulary is {_named(now)}, and was {_named(said.tokenizer)}"
    return differs("tokenizer", f"{sentence} when the canaries were written", "tokenizer.json")


def _named(digest: str | None) -> str:
    return "CLIP's own" if digest is None else f"a tokenizer.json of sha256 {digest[:12]}…"


def check_spec(spec: Mapping[str, Any], said: Said) -> Iterator[Note]:
    """Compare every field of two specs as JSON."""
    wrong = list(unlike(spec, said.spec))
    for name, now, then in wrong:
        yield _unlike("spec", name, now, then)
    if not wrong:
        yield agrees("spec", "every field is what it was")


def check_record(record: Record, said: Said) -> Iterator[Note]:
    """Compare origin, licence and training data where our own record said them."""
    if said.record is None:
        return
    wrong = changes(record, said.record, "")
    for name, now, then in wrong:
        yield _unlike("record", name, now, then)
    if not wrong:
        yield agrees("record", "origin, licence and training data are what they were")


def _unlike(part: str, name: str, now: Any, then: Any) -> Note:
    sentence = f"{name} is {shown(now)}, and was {shown(then)} when it was written"
    return differs(part, sentence, name)


def check_beside(folder: Path, said: Said, found: Collection[str] = ()) -> Note:
    """Compare the digest of each small file.

    Args:
        folder: Where the model lies.
        said: What its canaries say of them.
        found: Fields of spec and record that are known to be wrong: of the file that says them no
            more is named.
    """
    try:
        now = beside(folder)
    except CheckpointError as error:
        return differs("files", str(error), "files")
    then = said.files
    wrong = sorted(name for name in {*now, *then} if now.get(name) != then.get(name))
    edited = f"; {CARD} has been edited, as people may" if CARD in wrong else ""
    wrong = [name for name in wrong if name != CARD]
    if not wrong:
        count = len({*then} - {CARD})
        return agrees("files", f"small files that are what they were: {count}{edited}")
    what = "; ".join(f"{name} {_become(name, now, then)}" for name in wrong)
    parts, says = {field.partition(".")[0] for field in found}, SAYS.get(said.layout, {})
    explained = {name for name in {*now} & {*then} if parts & says.get(name, frozenset())}
    unexplained = (name for name in wrong if name not in explained)
    return differs("files", f"{what}{edited}", *unexplained)


def _become(name: str, now: Collection[str], then: Collection[str]) -> str:
    """Say what became of a file."""
    if name not in now:
        return "is gone"
    return "is not what was written" if name in then else "was not there when it was written"


def broken_weights(folder: Path, said: Said) -> tuple[str, ...]:
    """Return which files of weights are gone or of another length; all, where nothing tells."""
    sizes = {
        name: (folder / name).stat().st_size if (folder / name).is_file() else None
        for name in said.weights
    }
    wrong = tuple(name for name, size in said.weights.items() if sizes[name] != size)
    return wrong or tuple(said.weights)


def check_fingerprint(checkpoint: Checkpoint, now: Tensors, said: Said) -> Note:
    """Compare the fingerprint; where it differs, find the field that makes it."""
    spec, tokenizer = checkpoint.spec, checkpoint.tokenizer
    found = fingerprint(spec, now, tokenizer)
    if found == said.fingerprint:
        return agrees("fingerprint", f"{found[:12]}…, as it was")
    what = f"it is {found[:12]}…, and was {said.fingerprint[:12]}…"
    for name, part in _parts(spec):
        for changed in variants(getattr(spec, name), part, most=1):
            try:
                made = msgspec.structs.replace(spec, **{name: changed})
            except SpecError:
                continue
            if fingerprint(made, now, tokenizer) == said.fingerprint:
                wrong = changes(getattr(spec, name), changed, name)
                fields = [field for field, _, _ in wrong]
                return differs("fingerprint", f"{what}; it agrees with {remedy(wrong)}", *fields)
    return differs("fingerprint", f"{what}: the spec was another", "fingerprint")


def _parts(spec: Spec) -> Iterator[tuple[str, Alternatives]]:
    """Yield the parts of a spec with what their fields may have been."""
    known = ARCHITECTURES.values()
    yield "pixels", {**GEOMETRY, **_published((one.pixels for one in known), "mean", "std")}
    templates = _published((one.words for one in known), "template")
    pads = {"pad_id": [0, 1, spec.words.end_id or 0]}
    yield "words", {**CLEANINGS, **pads, "template": ["{}", *templates["template"]]}
    resized = choices(type(spec.image), "position_resized")
    yield "image", {**alternatives(spec.image), **resized}
    yield "text", alternatives(spec.text)
    heads = (one.head for one in known if type(one.head) is type(spec.head))
    yield "head", _published(heads, *spec.head.__struct_fields__)


def _published(parts: Iterable[msgspec.Struct], *fields: str) -> dict[str, Sequence[Any]]:
    """Return the values that some fields have in published models."""
    known = list(parts)
    return {name: sorted({getattr(one, name) for one in known}) for name in fields}


def check_graphs(checkpoint: Checkpoint) -> Iterator[Note]:
    """Compare the graphs beside the weights with those that spec and weights give."""
    beside = 0
    for tower in TOWERS:
        path = checkpoint.folder / FILES[tower]
        try:
            made = build(checkpoint, tower)
        except CheckpointError as error:
            yield differs("graphs", f"the {tower} tower cannot be built: {error}", tower)
            return
        if not path.is_file():
            continue
        beside += 1
        there = read_bytes(path)
        if there != made:
            bound = binding(checkpoint).encode() in there
            fault = "is damaged" if bound else "was made for another spec or other weights"
            yield differs("graphs", f"{path.name} {fault}: make the graphs again", path.name)
            return
    same = f"{beside} files are what spec and weights give"
    yield agrees("graphs", same if beside else "there are none; they are made from the spec")
