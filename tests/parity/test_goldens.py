"""What is known of OpenAI's released ViT-B/32 without its weights, and what to ask of those.

Those with the weights put `ViT-B-32.pt` into a folder and name it in SIGHTLINE_REAL_WEIGHTS;
`make parity` then runs the last test too.
"""

import os
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

import sightline
from parity_stages import unit
from sightline.checkpoints import read
from sightline.embedder import Embedder
from sightline.errors import CheckpointError
from sightline.scoring.heads import softmax_head
from sightline.spec import architecture, open_words
from sightline.spec.words import Words

GOLDENS = Path(__file__).parents[1] / "goldens"
DIAGRAM = GOLDENS / "clip-vit-b32-diagram.png"
PROMPTS = ["a diagram", "a dog", "a cat"]
# Of OpenAI's README; 100 × cosine, and the softmax of that.
LOGITS = (25.552784, 20.089891, 19.749454)
SHARES = (0.99279356, 0.00421067, 0.00299573)
NUMBERS = 151_277_313
SIGNS = {"input_resolution": 224, "context_length": 77, "vocab_size": 49408}
STORED = {"float16": "F16", "float32": "F32"}


def layout() -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return type and shape of each tensor in the released archive."""
    path = GOLDENS / "clip-vit-b32-layout.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[str, tuple[int, ...]]])


def vectors() -> tuple[np.ndarray, np.ndarray]:
    """Return the released model's vectors of the picture and of the prompts."""
    with np.load(GOLDENS / "clip-vit-b32-diagram.npz") as said:
        assert said["prompts"].tolist() == PROMPTS
        return said["image"], said["text"]


def write_archive(path: Path, tensors: dict[str, tuple[str, tuple[int, ...]]]) -> None:
    """Save tensors of the given types and shapes, full of zeros but for what the archive says."""
    torch.save(
        {
            name: torch.full(shape, SIGNS.get(name, 0), dtype=getattr(torch, kind))
            for name, (kind, shape) in tensors.items()
        },
        path,
    )


def test_an_archive_of_the_released_layout_opens_and_half_stays_half(tmp_path: Path) -> None:
    path = tmp_path / "ViT-B-32.pt"
    write_archive(path, layout())
    checkpoint = read(path)
    places = [checkpoint.weights.place(name) for name in checkpoint.weights]
    path.unlink()  # 350 MB, and it stays mapped
    assert checkpoint.spec == architecture("ViT-B-32-quickgelu")
    assert sum(int(np.prod(place.shape)) for place in places) == NUMBERS
    kept: dict[str, int] = dict.fromkeys(STORED.values(), 0)
    for place in places:
        kept[place.dtype] += int(np.prod(place.shape))
    for kind, stored in STORED.items():
        sizes = [int(np.prod(shape)) for found, shape in layout().values() if found == kind]
        assert kept[stored] == sum(sizes)


@pytest.mark.parametrize(
    ("name", "kind_and_shape"),
    [
        ("visual.ln_post.bias", ("float32", (767,))),
        ("ln_final.weight", None),
        ("visual.ln_extra.weight", ("float32", (768,))),
    ],
)
def test_control_an_archive_that_is_not_quite_it_is_refused(
    name: str, kind_and_shape: tuple[str, tuple[int, ...]] | None, tmp_path: Path
) -> None:
    path = tmp_path / "ViT-B-32.pt"
    short = {key: value for key, value in layout().items() if not re.search(r"blocks\.[1-9]", key)}
    write_archive(path, short)
    assert read(path).spec.text.layers == 1
    changed = {key: value for key, value in short.items() if key != name}
    changed |= {} if kind_and_shape is None else {name: kind_and_shape}
    write_archive(path, changed)
    with pytest.raises(CheckpointError, match=r"ViT-B-32\.pt (has|lacks) "):
        read(path)
    path.unlink()


class Said:
    """Towers that know one picture and three texts: the released model's own vectors."""

    description, precision = "vectors of the released ViT-B/32", "float32"

    def __init__(self, words: Words) -> None:
        self.picture, texts = vectors()
        rows = words.rows(PROMPTS).ids
        self.texts = {tuple(row[row > 0]): text for row, text in zip(rows, texts, strict=True)}

    def image(self, pixels: np.ndarray) -> np.ndarray:
        return self.picture.repeat(len(pixels), axis=0)

    def text(self, ids: np.ndarray) -> np.ndarray:
        return np.stack([self.texts[tuple(row[row > 0])] for row in ids])

    def patches(self, pixels: np.ndarray) -> np.ndarray:
        raise AssertionError("nobody asks for patches")


def test_real_vectors_give_the_scores_of_openais_readme() -> None:
    spec = architecture("ViT-B-32-quickgelu")
    words = open_words(spec.words)
    head = softmax_head(np.log(100.0))
    model = Embedder(spec, Said(words), lambda: words, lambda: "f" * 64, head=head)
    picture = np.zeros((224, 224, 3), dtype=np.uint8)
    assert np.allclose(100 * model.similarity([picture], PROMPTS), LOGITS, rtol=0, atol=2e-5)
    found = model.classify([picture], PROMPTS, templates=["{}"])
    assert np.allclose(found.scores, SHARES, rtol=0, atol=1e-6)
    assert found.best() == ["a diagram"]


def test_control_vectors_that_were_not_made_unit_give_others() -> None:
    image, text = vectors()
    assert not np.allclose(100 * image @ text.T, LOGITS, rtol=0, atol=1)
    assert np.allclose(100 * unit(image) @ unit(text).T, LOGITS, rtol=0, atol=2e-5)


@pytest.mark.real
def test_the_released_weights_give_the_released_vectors() -> None:
    path = Path(os.environ["SIGHTLINE_REAL_WEIGHTS"]) / "ViT-B-32.pt"
    model = sightline.load(path, runtime="torch", device="cpu")
    image, text = vectors()
    assert np.abs(model.embed_images([DIAGRAM]) - unit(image)).max() < 1e-5
    assert np.abs(model.embed_texts(PROMPTS) - unit(text)).max() < 1e-5
    found = model.classify([DIAGRAM], PROMPTS, templates=["{}"])
    assert np.allclose(found.scores, SHARES, rtol=0, atol=1e-4)
