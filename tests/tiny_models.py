"""A random model that runs in a moment, and pictures for it. Enter at `write_tiny_model`."""

from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import torch
from PIL import Image

from sightline.checkpoints import Record, write
from sightline.embedder import Embedder
from sightline.model import CLIP
from sightline.runtime.torch_towers import TorchTowers
from sightline.spec import Sigmoid, Spec, open_words
from tiny_specs import SIGLIP_TEXT, SIGLIP_VIT, TEXT, WORDS, tiny_spec

RECORD = Record(origin="drawn at random for a test", license="MIT", training_data=())


def tiny_clip_spec() -> Spec:
    """Return a tiny model over CLIP's own vocabulary."""
    text = msgspec.structs.replace(TEXT, vocab_size=49408)
    words = msgspec.structs.replace(WORDS, start_id=49406, end_id=49407, context_length=16)
    return tiny_spec(text=text, words=words)


def tiny_siglip_spec() -> Spec:
    """Return a tiny model whose pads are seen, with a sigmoid head."""
    words = msgspec.structs.replace(
        WORDS, start_id=None, end_id=49407, pad_id=49407, context_length=16
    )
    text = msgspec.structs.replace(SIGLIP_TEXT, vocab_size=49408, projection="none")
    head = Sigmoid(logit_scale=2.3, logit_bias=-10.0)
    return tiny_spec(SIGLIP_VIT, text, words=words, head=head, embed_dim=32)


def live(spec: Spec) -> Embedder:
    """Return an embedder over a random model, as training uses it."""
    return Embedder(
        spec, TorchTowers(random_model(spec)), lambda: open_words(spec.words), lambda: "f" * 64
    )


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
