"""Models with canaries, and ways to spoil them. Enter at `guarded`."""

import json
import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sightline.checkpoints import Checkpoint, convert, read
from sightline.checkpoints.folder import CANARIES
from sightline.checkpoints.safetensors_writing import safetensors_chunks, storable
from sightline.data.vocabulary import train_vocabulary
from sightline.spec import PixelRecipe, Spec, TextRecipe, architecture, open_words
from sightline.tensors.safetensors_file import metadata, open_safetensors
from sightline.verify import Canaries, write_canaries
from sightline.verify.canaries import KEY, SEAL, VERSION, Said
from sightline.verify.subjects import TEXTS, pictures
from tiny_models import tiny_clip_spec
from tiny_towers import saved, tiny_model

# What a check compares, in its order.
PARTS = [
    "tensors",
    "tokenizer",
    "spec",
    "record",
    "pixels",
    "ids",
    "image vectors",
    "text vectors",
    "fingerprint",
    "graphs",
    "files",
]


def any_layout_spec() -> Spec:
    """Return a small model that every layout can be: heads of 64, MLPs of four widths."""
    spec, like = tiny_clip_spec(), architecture("ViT-B-32")
    wide = {"width": 64, "heads": 1, "mlp_width": 256}
    pixels = msgspec.structs.replace(like.pixels, size_px=spec.image.size_px)
    image, text = (msgspec.structs.replace(one, **wide) for one in (spec.image, spec.text))
    return msgspec.structs.replace(spec, image=image, text=text, pixels=pixels, head=like.head)


def guarded(folder: Path, spec: Spec | None = None) -> Path:
    """Write a small model in which every tensor matters, with its canaries."""
    saved(folder, tiny_model(spec or any_layout_spec()))
    write_canaries(folder)
    return folder


def guarded_as(folder: Path, layout: str, spec: Spec | None = None) -> Path:
    """Write the same in another library's layout."""
    native = folder.with_name(f"{folder.name}-native")
    convert(saved(native, tiny_model(spec or any_layout_spec())), folder, layout)
    write_canaries(folder)
    return folder


def set_in(document: dict[str, Any], field: str, value: object) -> None:
    """Set a field by its dotted name."""
    *outer, last = field.split(".")
    for name in outer:
        document = document[name]
    assert document[last] != value
    document[last] = value


def edit_json(path: Path, field: str, value: object) -> None:
    """Change one value of a JSON file."""
    document = json.loads(path.read_bytes())
    set_in(document, field, value)
    path.write_text(json.dumps(document), encoding="utf-8")


def edit_said(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what canaries say, seal and all, and leave their arrays alone."""
    path = folder / CANARIES
    file = open_safetensors(path)
    said = json.loads(metadata(file)[KEY])
    change(said)
    stored = {name: storable(name, place.words(file.mapped)) for name, place in file.places.items()}
    path.write_bytes(b"".join(safetensors_chunks(stored, sealed(said))))


def sealed(said: dict[str, Any]) -> dict[str, str]:
    """Return the metadata of canaries that say this, with its digest."""
    encoded = json.dumps(said)
    return {KEY: encoded, SEAL: sha256(encoded.encode()).hexdigest()}


def forge(folder: Path, field: str, value: object) -> None:
    """Change a field of the spec in both of its records, and the fingerprint with it."""
    edit_json(folder / "sightline.json", f"spec.{field}", value)
    forged = read(folder)

    def change(said: dict[str, Any]) -> None:
        set_in(said["spec"], field, value)
        said["fingerprint"] = forged.fingerprint

    edit_said(folder, change)


def flip_a_bit(checkpoint: Checkpoint, name: str) -> None:
    """Change one bit of a tensor where it lies in its file, whose time stays as it was: rot."""
    place = checkpoint.weights.place(name)
    times = place.path.stat()
    with place.path.open("r+b") as file:
        file.seek(place.offset)
        byte = file.read(1)[0]
        file.seek(place.offset)
        file.write(bytes([byte ^ 1]))
    os.utime(place.path, ns=(times.st_atime_ns, times.st_mtime_ns))


def letters(folder: Path, captions: Sequence[str] = TEXTS) -> Path:
    """Write a vocabulary of 400 ids at most, of which 0, 1 and 2 are pad, start and end."""
    folder.mkdir(parents=True, exist_ok=True)
    train_vocabulary(captions, 400, folder / "tokenizer.json")
    return folder


def expectations(pixels: PixelRecipe, words: TextRecipe, folder: Path | None = None) -> Canaries:
    """Return canaries of two recipes and of no towers."""
    seen = pictures(pixels)
    ids = open_words(words, folder).rows(TEXTS, long="cut").ids
    said = Said(
        version=VERSION,
        fingerprint="",
        layout="sightline",
        spec={},
        tensors={},
        tokenizer=None,
        record=None,
        weights={},
        files={},
        texts=TEXTS,
        engine="none",
        made_with={},
    )
    return Canaries(
        said=said,
        pictures=seen,
        pixels=np.stack([pixels.apply(rgb) for rgb in seen]),
        ids=ids,
        image_vectors=np.zeros((len(seen), 4), np.float32),
        text_vectors=np.zeros((len(ids), 4), np.float32),
    )
