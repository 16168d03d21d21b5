"""Folders and files that other libraries wrote, opened as they are. Enter at `reader_of`."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from sightline.checkpoints.card_license import license_of
from sightline.checkpoints.checkpoint import Checkpoint
from sightline.checkpoints.huggingface import FAMILIES, REFUSED, huggingface_words, pixels_in
from sightline.checkpoints.json_file import read_bytes, read_json, understood
from sightline.checkpoints.manifest import Record
from sightline.checkpoints.names import (
    NAME_TABLES,
    NameTable,
    fit,
    nearest_table,
    table_that_reads,
)
from sightline.checkpoints.number import number_of
from sightline.checkpoints.openai import SIGNS, openai_spec
from sightline.checkpoints.openclip import OpenClip, openclip_spec, refuse_unreadable
from sightline.checkpoints.rowless_words import refuse_rowless_words
from sightline.checkpoints.tokenizer_facts import TokenizerFacts, tokenizer_facts
from sightline.checkpoints.weights import Weights
from sightline.errors import CheckpointError, SpecError
from sightline.spec.architectures import ARCHITECTURES, OTHER_PIXELS, architecture
from sightline.spec.inventory import Shape
from sightline.spec.pixels import PixelRecipe
from sightline.spec.towers import Spec
from sightline.tensors import TensorFile, open_tensors

HUGGING_FACE_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
# In the order of `_find_checkpoint_in_dir` of open_clip factory.py
OPENCLIP_WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)


def read_huggingface(folder: Path) -> Checkpoint:
    """Open a folder of transformers' CLIP or SigLIP.

    Raises:
        CheckpointError: It is of another family, lacks a file, or its files contradict each other.
    """
    path = folder / "config.json"
    config = read_json(path)
    family = FAMILIES.get(str(config.get("model_type")))
    if family is None:
        kind = config.get("model_type")
        reason = REFUSED.get(str(kind), f"only {', '.join(FAMILIES)} are read here")
        raise CheckpointError(f"{path} has the model_type {kind!r}: {reason}")
    pixels = pixels_in(folder)
    tokenizer = tokenizer_facts(folder)
    try:
        said = understood(config, family.config, path)
        words = huggingface_words(tokenizer, said.text.max_position_embeddings, family.template)
        spec = family.spec(said, pixels, words)
    except SpecError as error:
        raise CheckpointError(f"{path} cannot be followed: {error}") from error
    _refuse_rowless(tokenizer, spec)
    files = _opened(_first_of(folder, HUGGING_FACE_WEIGHTS))
    return Checkpoint(
        folder=folder,
        layout="huggingface",
        spec=spec,
        record=_record(folder, "Hugging Face"),
        weights=fit(files, spec, NAME_TABLES[family.table]),
        tokenizer_file=tokenizer.file if words.tokenizer == "file" else None,
        remarks=family.remarks + tokenizer.remarks,
    )


def read_openclip(folder: Path) -> Checkpoint:
    """Open a folder with an open_clip_config.json.

    Raises:
        CheckpointError: As for `read_huggingface`.
    """
    path = folder / "open_clip_config.json"
    document = read_json(path)
    try:
        refuse_unreadable(document)
        config = understood(document, OpenClip, path)
        named = config.model_cfg.text_cfg.hf_tokenizer_name is not None
        tokenizer = tokenizer_facts(folder) if named else None
        spec = openclip_spec(config, tokenizer)
    except SpecError as error:
        raise CheckpointError(f"{path} cannot be followed: {error}") from error
    _refuse_rowless(tokenizer, spec)
    files = _opened(_first_of(folder, OPENCLIP_WEIGHTS))
    return Checkpoint(
        folder=folder,
        layout="openclip",
        spec=spec,
        record=_record(folder, "OpenCLIP"),
        weights=fit(files, spec, _table(files, spec)),
        tokenizer_file=None if tokenizer is None else tokenizer.file,
        remarks=() if tokenizer is None else tokenizer.remarks,
    )


def _refuse_rowless(tokenizer: TokenizerFacts | None, spec: Spec) -> None:
    """Look for words without a row, where the tokenizer has more ids than there are rows."""
    if tokenizer is not None and tokenizer.file and tokenizer.ids > spec.text.vocab_size:
        refuse_rowless_words(tokenizer.file, spec)


def read_bare(path: Path, name: str | None) -> Checkpoint:
    """Open a file of weights: an archive of OpenAI's, or one whose architecture is named.

    Args:
        path: The file, or an index of shards.
        name: The architecture, as OpenCLIP spells it.

    Raises:
        CheckpointError: It is no CLIP, or nothing says which activation it was trained with.
    """
    files = _opened(path)
    there = {one: place.shape for file in files for one, place in file.places.items()}
    ours = there.keys() >= SIGNS.keys()
    try:
        spec = _openai(there, files, name) if ours else _named(path, files, name)
    except SpecError as error:
        raise CheckpointError(f"{path} cannot be followed: {error}") from error
    tokenizer = path.with_name("tokenizer.json") if spec.words.tokenizer == "file" else None
    if tokenizer is not None and not tokenizer.exists():
        raise CheckpointError(
            f"{path} needs its tokenizer.json beside it, which a {name} does not share with others"
        )
    if tokenizer is not None:
        refuse_rowless_words(tokenizer, spec)
    return Checkpoint(
        folder=path.parent,
        layout="openai" if ours else "openclip",
        spec=spec,
        record=_record(path.parent, "OpenAI" if ours else "OpenCLIP"),
        weights=fit(files, spec, _table(files, spec)),
        tokenizer_file=tokenizer,
        remarks=() if ours or name is None else _not_said(name, spec.pixels),
    )


def _not_said(name: str, pixels: PixelRecipe) -> tuple[str, ...]:
    """Say what a file of weights leaves open, and what was taken for it."""
    mean, std = (
        ", ".join(f"{one:.3g}" for one in numbers) for numbers in (pixels.mean, pixels.std)
    )
    taken = f"resize {pixels.resize}, filter {pixels.filter}, mean {mean}, std {std}"
    others = [
        f"its weights {tag} have another {' and '.join(fields)}: if it is those, name {name}/{tag}"
        for tag, fields in OTHER_PIXELS.get(name, {}).items()
    ]
    return (
        f"its file does not say what it is: {name} was given for it",
        "; ".join([f"nor does it say how pictures become pixels: {name} has {taken}", *others]),
    )


def _openai(there: Mapping[str, Shape], files: Sequence[TensorFile], name: str | None) -> Spec:
    """Return what an archive is by its shapes, if its numbers and its name say the same."""
    spec, weights = openai_spec(there), Weights(files)
    for sign, of_spec in SIGNS.items():
        said = number_of(weights, sign, most=math.inf)
        if said != of_spec(spec):
            raise SpecError(f"its {sign} is {said:g}, and its tensors are of {of_spec(spec)}")
    known = spec if name is None else architecture(name)
    if (known.image, known.text, known.embed_dim) != (spec.image, spec.text, spec.embed_dim):
        raise SpecError(
            f"it is an archive of OpenAI's with other towers than {name}, which was named for it: "
            "leave the name out"
        )
    return spec


def _named(path: Path, files: Sequence[TensorFile], name: str | None) -> Spec:
    """Return the architecture that was named; none is guessed, for several have the same shapes."""
    if name is not None:
        return architecture(name)
    table = table_that_reads(_names(files))
    fitting = [one for one, spec in ARCHITECTURES.items() if table and _fits(files, spec, table)]
    hint = f" ({', '.join(fitting)} have these shapes)" if fitting else ""
    raise CheckpointError(
        f"{path} does not say which architecture its weights were trained with{hint}: name it, as "
        "in architecture='ViT-B-32' or --architecture ViT-B-32"
    )


def _fits(files: Sequence[TensorFile], spec: Spec, table: NameTable) -> bool:
    """Tell whether weights have a spec's names and shapes."""
    try:
        fit(files, spec, table)
    except CheckpointError:
        return False
    return True


def _table(files: Sequence[TensorFile], spec: Spec) -> NameTable:
    """Return the layout that is nearest to files: OpenCLIP takes several for one model."""
    return nearest_table(_names(files), spec)


def _names(files: Sequence[TensorFile]) -> list[str]:
    return [name for file in files for name in file.places]


def _opened(path: Path) -> tuple[TensorFile, ...]:
    """Open a file of tensors, or the shards of an index that names some."""
    files = open_tensors(path)
    if not files:
        raise CheckpointError(f"{path} names no file of weights: copy it again")
    return files


def _first_of(folder: Path, names: Sequence[str]) -> Path:
    """Return the first file that is there."""
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise CheckpointError(
        f"{folder} has none of {', '.join(names)}: put the weights beside their record"
    )


def _record(folder: Path, library: str) -> Record:
    """Say where a published model comes from, as far as its files do."""
    card = folder / "README.md"
    text = read_bytes(card).decode("utf-8", errors="replace") if card.is_file() else ""
    return Record(
        origin=f"read from files in {library} layout",
        license=license_of(text),
        training_data=("unknown",),
    )


class Reader(msgspec.Struct, frozen=True):
    """How one kind of folder is known and read."""

    record: str  # the file that says what the model is
    weights: tuple[str, ...]  # one of these is there
    read: Callable[[Path], Checkpoint]


# The first that fits. Many repositories hold one checkpoint in both layouts: OpenCLIP's is then
# the one that its makers wrote, if its weights are there.
READERS: tuple[Reader, ...] = (
    Reader("open_clip_config.json", OPENCLIP_WEIGHTS[:4], read_openclip),
    Reader("config.json", HUGGING_FACE_WEIGHTS, read_huggingface),
    Reader("open_clip_config.json", OPENCLIP_WEIGHTS, read_openclip),
)


def reader_of(folder: Path) -> Reader | None:
    """Return how a folder is read; None where no library's record and weights are there."""
    for one in READERS:
        there = any((folder / name).exists() for name in one.weights)
        if (folder / one.record).exists() and there:
            return one
    return None
