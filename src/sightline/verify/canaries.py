"""Known pictures and texts with what a model makes of them: `canaries.safetensors`.

Enter at `write_canaries` and `read_canaries`.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from sightline.checkpoints import Checkpoint, Record, read, verify_digests
from sightline.checkpoints.folder import CANARIES
from sightline.checkpoints.manifest import TensorRecord
from sightline.checkpoints.replacement import replace_file
from sightline.checkpoints.safetensors_writing import safetensors_chunks, storable
from sightline.errors import CheckpointError, TextError
from sightline.runtime import Towers
from sightline.runtime.onnx_towers import OnnxTowers
from sightline.scoring.vectors import unit
from sightline.shapes import Float32, Int64, UInt8
from sightline.spec import Words, open_words
from sightline.spec.document import spec_to_json
from sightline.tensors.safetensors_file import metadata, open_safetensors
from sightline.verify.beside import beside
from sightline.verify.subjects import TEXTS, pictures

VERSION = 2
KEY = "sightline.canaries"  # of the metadata
SEAL = "sightline.canaries.sha256"  # of what stands under that key
_MADE_WITH = ("sightline", "numpy", "pillow", "tokenizers", "onnxruntime")
_ARRAYS = {  # name → type and number of axes
    "pixels": ("float32", 4),
    "ids": ("int64", 2),
    "image_vectors": ("float32", 2),
    "text_vectors": ("float32", 2),
}

Kind = TypeVar("Kind")


class _Version(msgspec.Struct, frozen=True):
    """What is read before all else."""

    version: int


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the metadata says of the model that the canaries were made with."""

    version: int
    fingerprint: str
    layout: str
    spec: dict[str, Any]  # as `spec_to_json` writes it
    tensors: dict[str, TensorRecord]  # by our names
    tokenizer: str | None  # sha256 of tokenizer.json; None where it is CLIP's own
    record: Record | None  # None: the files of other libraries have none that is sealed
    weights: dict[str, int]  # file → length in bytes
    files: dict[str, str]  # small file beside the weights → sha256
    texts: tuple[str, ...]
    engine: str
    made_with: dict[str, str]  # package → version
    arrays: dict[str, str] = {}  # sha256 of each array of the file


class Canaries(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Pictures and texts, and what a model makes of each on its way to a vector."""

    said: Said
    pictures: tuple[UInt8[np.ndarray, "_ _ 3"], ...]
    pixels: Float32[np.ndarray, "images 3 size size"]
    ids: Int64[np.ndarray, "captions context_length"]
    image_vectors: Float32[np.ndarray, "images embed_dim"]
    text_vectors: Float32[np.ndarray, "captions embed_dim"]


def write_canaries(path: str | Path | None = None, *, architecture: str | None = None) -> Path:
    """Make canaries with a model as it is now and put them beside its weights.

    Args:
        path: As for `checkpoints.read`.
        architecture: Likewise.

    Returns:
        The file.

    Raises:
        CheckpointError: The model is not what its record says, or the file cannot be written.
    """
    checkpoint = read(path, architecture=architecture)
    verify_digests(checkpoint)
    made = make(checkpoint, OnnxTowers(checkpoint))
    place = checkpoint.folder / CANARIES
    try:
        replace_file(place, *_encoded(made))
    except OSError as error:
        raise CheckpointError(
            f"{place} cannot be written ({error.strerror or error}): free some space or make the "
            "folder writable"
        ) from error
    return place


def make(checkpoint: Checkpoint, towers: Towers) -> Canaries:
    """Draw pictures, and take them and some texts through every step of a model.

    Args:
        checkpoint: The model.
        towers: Its towers, in any engine.

    Raises:
        CheckpointError: A tower gives a vector without a direction.
    """
    spec, seen = checkpoint.spec, pictures(checkpoint.spec.pixels)
    words = open_words(spec.words, checkpoint.folder)
    texts = tuple(text for text in TEXTS if _is_accepted(text, words))
    if not texts:
        raise CheckpointError(
            f"the vocabulary of {checkpoint.folder} can write none of the canary texts: bring the "
            "tokenizer that the model was trained with"
        )
    pixels = np.stack([spec.pixels.apply(rgb) for rgb in seen])
    ids = words.rows(texts, long="cut").ids
    image_vectors, text_vectors = unit(towers.image(pixels)), unit(towers.text(ids))
    if np.isnan(image_vectors).any() or np.isnan(text_vectors).any():
        raise CheckpointError(
            f"{checkpoint.weights.path} gives a canary a vector without a direction (zero, "
            "infinite or NaN): its weights are broken, so nothing is written"
        )
    said = Said(
        version=VERSION,
        fingerprint=checkpoint.fingerprint,
        layout=checkpoint.layout,
        spec=spec_to_json(spec),
        tensors=dict(checkpoint.tensors),
        tokenizer=checkpoint.tokenizer,
        record=checkpoint.record if checkpoint.layout == "sightline" else None,
        weights={file.path.name: len(file.mapped) for file in checkpoint.weights.files},
        files=beside(checkpoint.folder),
        texts=texts,
        engine=towers.description,
        made_with={package: version(package) for package in _MADE_WITH},
    )
    return Canaries(
        said=said,
        pictures=seen,
        pixels=pixels,
        ids=ids,
        image_vectors=image_vectors,
        text_vectors=text_vectors,
    )


def _is_accepted(text: str, words: Words) -> bool:
    """Tell a text that the vocabulary can write: the word for the unknown may be a mark."""
    try:
        words.encode(text)
    except TextError:
        return False
    return True


def _encoded(canaries: Canaries) -> list[bytes | memoryview]:
    """Return the file's bytes; all of it has digests, so that a damaged file is known as such."""
    arrays = {name: getattr(canaries, name) for name in _ARRAYS}
    arrays |= {_name(place): rgb for place, rgb in enumerate(canaries.pictures)}
    stored = {name: storable(name, array) for name, array in arrays.items()}
    digests = {name: sha256(tensor.view).hexdigest() for name, tensor in stored.items()}
    said = msgspec.structs.replace(canaries.said, arrays=digests)
    encoded = msgspec.json.encode(said)
    seal = sha256(encoded).hexdigest()
    return safetensors_chunks(stored, {KEY: encoded.decode(), SEAL: seal})


def _name(place: int) -> str:
    return f"pictures.{place}"


def read_canaries(path: Path) -> Canaries:
    """Read a file of canaries.

    Raises:
        CheckpointError: It is damaged, or of another version.
    """
    file = open_safetensors(path)
    said = _said(metadata(file), path)
    arrays = {name: place.words(file.mapped) for name, place in file.places.items()}
    for name, array in arrays.items():
        if sha256(np.ascontiguousarray(array).data).hexdigest() != said.arrays.get(name):
            raise CheckpointError(
                f"{path} has changed since it was written (its {name} has another digest): restore "
                "it from where the model came from"
            )
    seen = [arrays[_name(place)] for place in range(len(arrays)) if _name(place) in arrays]
    if not _is_whole(arrays, seen, said.texts):
        raise CheckpointError(
            f"{path} does not hold what canaries are (pictures with pixels and vectors, texts "
            "with ids and vectors): restore it from where the model came from"
        )
    return Canaries(said=said, pictures=tuple(seen), **{name: arrays[name] for name in _ARRAYS})


def _said(there: Mapping[str, str], path: Path) -> Said:
    """Read the metadata, if it is of this version and what was written."""
    encoded = there.get(KEY, "null").encode()
    version = _decoded(encoded, _Version, path).version
    if version != VERSION:
        raise CheckpointError(
            f"{path} is of version {version} but this Sightline reads version {VERSION}: use the "
            "Sightline that wrote it"
        )
    if there.get(SEAL) != sha256(encoded).hexdigest():
        raise CheckpointError(
            f"{path} has changed since it was written (what it says of the model has another "
            "digest): restore it from where the model came from"
        )
    return _decoded(encoded, Said, path)


def _decoded(encoded: bytes, kind: type[Kind], path: Path) -> Kind:
    try:
        return msgspec.json.decode(encoded, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} does not say what its canaries are ({error}): restore it from where the model "
            "came from"
        ) from error


def _is_whole(
    arrays: Mapping[str, np.ndarray], seen: Sequence[np.ndarray], texts: Sequence[str]
) -> bool:
    """Tell whether the arrays have the types and shapes that canaries have."""
    kinds = {
        name: (arrays[name].dtype.name, arrays[name].ndim)
        for name in _ARRAYS.keys() & arrays.keys()
    }
    if kinds != _ARRAYS or len(arrays) != len(_ARRAYS) + len(seen):
        return False
    rgb = all(one.dtype == np.uint8 and one.shape[2:] == (3,) and one.size for one in seen)
    size = arrays["pixels"].shape[-1]
    counts = {len(seen), len(arrays["pixels"]), len(arrays["image_vectors"])}
    written = {len(texts), len(arrays["ids"]), len(arrays["text_vectors"])}
    square = arrays["pixels"].shape[1:] == (3, size, size)
    some = bool(seen) and bool(texts) and arrays["ids"].size and size
    return bool(some and rgb and square and len(counts) == len(written) == 1)
