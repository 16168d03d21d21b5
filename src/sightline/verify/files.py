"""Tensors, tokenizer, spec and graphs against their records. Enter at `check_tensors`."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from sightline.checkpoints import Checkpoint
from sightline.checkpoints.json_file import read_bytes
from sightline.checkpoints.manifest import TensorRecord, fingerprint
from sightline.checkpoints.names import some
from sightline.errors import CheckpointError, SpecError
from sightline.runtime.graphs import FILES, TOWERS, binding, build
from sightline.spec import Spec
from sightline.spec.architectures import ARCHITECTURES
from sightline.verify.canaries import Said
from sightline.verify.findings import Note, agrees, differs, unknown
from sightline.verify.recipes import CLEANINGS, GEOMETRY
from sightline.verify.trying import Alternatives, changes, remedy, unlike, variants
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
        yield differs("spec", f"{name} is {now!r}, and was {then!r} when it was written", name)
    if not wrong:
        yield agrees("spec", "every field is what it was")


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
    published = [one.pixels for one in ARCHITECTURES.values()]
    numbers = {name: {getattr(one, name) for one in published} for name in ("mean", "std")}
    yield "pixels", {**GEOMETRY, **{name: sorted(known) for name, known in numbers.items()}}
    yield "words", {**CLEANINGS, "pad_id": [0, 1, spec.words.end_id or 0]}
    yield "image", alternatives(spec.image)
    yield "text", alternatives(spec.text)


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
