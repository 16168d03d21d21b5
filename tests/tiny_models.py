"""A random model that runs in a moment, and pictures for it. Enter at `write_tiny_model`."""

from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import torch
from PIL import Image

from sightline.checkpoints import Record, write
from sightline.model import CLIP
from sightline.spec import Spec
from tiny_specs import TEXT, WORDS, tiny_spec

RECORD = Record(origin="drawn at random for a test", license="MIT", training_data=())


def tiny_clip_spec() -> Spec:
    """Return a tiny model over CLIP's own vocabulary."""
    text = msgspec.structs.replace(TEXT, vocab_size=49408)
    words = msgspec.structs.replace(WORDS, start_id=49406, end_id=49407, context_length=16)
    return tiny_spec(text=text, words=words)


def random_model(spec: Spec, seed: int = 0) -> CLIP:
    """Draw a model, without touching the generator that others draw from."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLIP(spec).eval()


def write_tiny_model(folder: Path) -> Path:
    """Write a random model as a native folder."""
    spec = tiny_clip_spec()
    tensors = {name: value.numpy() for name, value in random_model(spec).state_dict().items()}
    write(folder, spec=spec, tensors=tensors, record=RECORD)
    return folder


def picture(seed: int, width: int = 40, height: int = 36) -> np.ndarray:
    """Return a random picture."""
    drawn = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(drawn)


def encoded(array: np.ndarray, kind: str = "PNG") -> bytes:
    """Return a picture as the bytes of a file."""
    file = BytesIO()
    Image.fromarray(array).save(file, kind)
    return file.getvalue()


def write_pictures(folder: Path, count: int) -> list[Path]:
    """Write random pictures of odd sizes."""
    paths = [folder / f"{number:03}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(encoded(picture(number, width=33 + number % 7, height=40 - number % 5)))
    return paths
