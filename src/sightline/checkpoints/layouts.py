"""What a model is as files of each library. Enter at `LAYOUTS`."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sightline.checkpoints.checkpoint import Checkpoint
from sightline.checkpoints.folder import BARE, CALIBRATION, MANIFEST, TOKENIZER
from sightline.checkpoints.huggingface import Family, family_of, processor_of
from sightline.checkpoints.json_file import json_bytes, read_bytes
from sightline.checkpoints.manifest import Manifest, Record, TensorRecord, to_json
from sightline.checkpoints.names import NAME_TABLES, spelt
from sightline.checkpoints.openai import HEAD_WIDTH, openai_table
from sightline.checkpoints.openclip import openclip_settings, openclip_table
from sightline.checkpoints.safetensors_writing import Stored, storable
from sightline.checkpoints.tokenizer_files import carried_files, tokenizer_files
from sightline.errors import CheckpointError, SpecError
from sightline.spec.document import spec_from_json, spec_to_json
from sightline.spec.towers import ResNet, Spec

ROUNDED = (  # said on a card
    "The image processor of transformers rounds the offset of a crop down, and this model's own "
    "recipe rounds it to even: opened there, every other picture of odd size is cropped a pixel "
    "beside."
)


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model about to be written: its tensors by our names."""

    spec: Spec
    tensors: Mapping[str, Stored]
    record: Record
    tokenizer_file: Path | None
    calibration: Mapping[str, Any] | None = None
    card: bytes | None = None


class Files(msgspec.Struct, frozen=True):
    """The files of one folder."""

    weights: str  # the name of the file of tensors
    tensors: Mapping[str, Stored]  # by the names in that file
    others: Mapping[str, bytes]


def model_of(checkpoint: Checkpoint) -> Model:
    """Take a checkpoint as it is: its tensors as they are stored, its card and calibration."""
    weights, card = checkpoint.weights, checkpoint.folder / "README.md"
    return Model(
        spec=checkpoint.spec,
        tensors={
            name: Stored(weights.place(name).dtype, np.asarray(weights.words(name), order="C"))
            for name in weights.names()
        },
        record=checkpoint.record,
        tokenizer_file=checkpoint.tokenizer_file,
        calibration=checkpoint.calibration,
        card=read_bytes(card) if card.is_file() else None,
    )


def transformers_class(spec: Spec) -> Family | None:
    """Return the class of transformers that can be this model, if there is one."""
    return None if processor_of(spec.pixels) is None else family_of(spec)


def sightline_files(model: Model) -> Files:
    """Describe a folder of ours; where transformers has a class for it, one that it opens too."""
    ours = {MANIFEST: to_json(_manifest(model))}
    if model.calibration is not None:
        ours[CALIBRATION] = msgspec.json.encode(model.calibration)
    if transformers_class(model.spec) is not None:
        theirs = huggingface_files(model)
        return msgspec.structs.replace(theirs, others={**theirs.others, **ours})
    if model.tokenizer_file is not None:
        ours[TOKENIZER] = read_bytes(model.tokenizer_file)
    if model.card is not None:
        ours["README.md"] = model.card
    return Files("model.safetensors", model.tensors, ours)


def huggingface_files(model: Model) -> Files:
    """Write for `CLIPModel.from_pretrained` and `SiglipModel.from_pretrained`.

    Raises:
        CheckpointError: transformers has no class for this architecture.
    """
    family = transformers_class(model.spec)
    if family is None:
        raise CheckpointError(
            "transformers has no class for this architecture (neither CLIPModel nor SiglipModel "
            "can have its towers and pixels): convert to 'sightline' or 'openclip'"
        )
    others = {
        "config.json": json_bytes(family.settings(model.spec) | {"dtype": _precision(model)}),
        "preprocessor_config.json": json_bytes(processor_of(model.spec.pixels)),
        **tokenizer_files(model.spec.words, model.tokenizer_file),
        "README.md": model.card or _card(model.record, _limits(model.spec)),
    }
    return Files("model.safetensors", spelt(model.tensors, NAME_TABLES[family.table]), others)


def openclip_files(model: Model) -> Files:
    """Write for `open_clip.create_model_from_pretrained("local-dir:…")`.

    Raises:
        CheckpointError: OpenCLIP's configs cannot describe this architecture.
    """
    try:
        config = openclip_settings(model.spec)
    except SpecError as error:
        raise CheckpointError(f"OpenCLIP cannot be this model: {error}") from error
    others = {
        "open_clip_config.json": json_bytes(config),
        "README.md": model.card or _card(model.record),
    }
    if model.tokenizer_file is not None:
        others |= carried_files(model.spec.words, model.tokenizer_file)
    table = NAME_TABLES[openclip_table(model.spec)]
    return Files("open_clip_model.safetensors", spelt(model.tensors, table), others)


def openai_files(model: Model) -> Files:
    """Write a state dict for OpenAI's `build_model`; its `clip.load` opens TorchScript alone.

    Raises:
        CheckpointError: A tensor has no name in OpenAI's layout, or a tower has other heads.
    """
    spec = model.spec
    tensors = spelt(model.tensors, NAME_TABLES[openai_table(spec)])
    _refuse_other_heads(spec)
    numbers = (spec.pixels.size_px, spec.words.context_length, spec.text.vocab_size)
    signs = zip(("input_resolution", "context_length", "vocab_size"), numbers, strict=True)
    tensors |= {name: storable(name, np.array(number)) for name, number in signs}
    return Files(BARE, tensors, {"README.md": model.card or _card(model.record)})


def _refuse_other_heads(spec: Spec) -> None:
    """Refuse heads that OpenAI's code would not build: it has them of 64 numbers throughout."""
    image = spec.image
    widths = {"image": image.width * 32 if isinstance(image, ResNet) else image.width}
    widths["text"] = spec.text.width
    for side, width in widths.items():
        heads = getattr(spec, side).heads
        if width != heads * HEAD_WIDTH:
            raise CheckpointError(
                f"OpenAI's layout has heads of {HEAD_WIDTH} numbers, and this model's {side} tower "
                f"has {heads} for a width of {width}: convert to 'sightline' or 'openclip'"
            )


def _manifest(model: Model) -> Manifest:
    """Describe the folder."""
    path, record = model.tokenizer_file, model.record
    created_with = {"sightline": version("sightline"), **record.created_with}
    return Manifest(
        # Through JSON and back, so that a whole number given for a float gives one fingerprint.
        spec=spec_from_json(spec_to_json(model.spec)),
        record=msgspec.structs.replace(record, created_with=created_with),
        tokenizer=None if path is None else sha256(read_bytes(path)).hexdigest(),
        tensors={
            name: TensorRecord(
                dtype=tensor.dtype,
                shape=tensor.words.shape,
                sha256=sha256(tensor.view).hexdigest(),
            )
            for name, tensor in model.tensors.items()
        },
    )


def _precision(model: Model) -> str:
    """Return what transformers calls the type that most numbers are stored in."""
    names = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
    sizes: dict[str, int] = {}
    for tensor in model.tensors.values():
        sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + tensor.words.size
    return names.get(max(sizes, key=sizes.__getitem__), "float32")


def _limits(spec: Spec) -> tuple[str, ...]:
    """Return what transformers does otherwise, for a card that is written for it."""
    rounded = spec.pixels.resize == "shortest" and spec.pixels.crop_rounding == "half_even"
    return (ROUNDED,) if rounded else ()


def _card(record: Record, limits: Sequence[str] = ()) -> bytes:
    """Say at least where the model comes from and what may be done with it."""
    seen = "".join(f"- {line}\n" for line in record.training_data)
    license_name = msgspec.json.encode(record.license).decode()  # YAML reads JSON's strings
    front = f"---\nlicense: {license_name}\n---\n\n"
    below = "".join(f"\n{line}\n" for line in limits)
    return f"{front}Origin: {record.origin}.\n\nTraining data:\n\n{seen}{below}".encode()


LAYOUTS: Mapping[str, Callable[[Model], Files]] = {
    "sightline": sightline_files,
    "huggingface": huggingface_files,
    "openclip": openclip_files,
    "openai": openai_files,
}
