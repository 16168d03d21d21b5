"""An embedder that sees three colours and reads their names: right answers are known beforehand."""

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

from sightline.data import Example, Skipped, Source, Tally
from sightline.embedder import Embedder
from sightline.spec import Words, open_words
from sightline.spec.words import TextRecipe
from tiny_specs import TEXT, tiny_spec

RGB = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
WORDS = TextRecipe(
    tokenizer="clip",
    clean="openai",
    context_length=16,
    start_id=49406,
    end_id=49407,
    pad_id=0,
    template="a photo of a {}.",
)


@cache
def words() -> Words:
    """Open CLIP's tokenizer once: its merges take a moment to read."""
    return open_words(WORDS)


class ColourTowers:
    """An image is how red, green and blue it is; a text is how often it names each."""

    description = "a stand-in"
    precision = "float32"

    def __init__(self) -> None:
        self._axes = {words().encode(name)[1]: axis for axis, name in enumerate(RGB)}

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """Return the mean colour on a 0 to 1 scale."""
        means: np.ndarray = pixels.mean(axis=(2, 3)) * 0.5 + 0.5
        return means.astype(np.float32)

    def text(self, ids: np.ndarray) -> np.ndarray:
        """Count colour names; a text without any is grey."""
        vectors = np.full((len(ids), 3), 0.01, dtype=np.float32)
        for row, numbers in enumerate(ids.tolist()):
            for number in numbers:
                if number in self._axes:
                    vectors[row, self._axes[number]] += 1
        return vectors

    def patches(self, pixels: np.ndarray) -> np.ndarray:
        """Nobody asks for these here."""
        raise NotImplementedError


def colour_embedder(**changes: Any) -> Embedder:
    """Return an embedder over `ColourTowers`."""
    text = msgspec.structs.replace(TEXT, vocab_size=49408)
    spec = tiny_spec(text=text, embed_dim=3, words=WORDS)
    fields: dict[str, Any] = {
        "towers": ColourTowers(),
        "read_words": words,
        "identify": lambda: "ab" * 32,
    }
    return Embedder(spec=spec, **(fields | changes))


def png(rgb: tuple[int, int, int]) -> bytes:
    """Encode a small picture of one colour."""
    encoded = BytesIO()
    Image.new("RGB", (8, 8), rgb).save(encoded, "PNG")
    return encoded.getvalue()


def example(key: str, rgb: tuple[int, int, int], label: str | None = None, **more: Any) -> Example:
    """Make an example; without texts it has its label as text."""
    fields: dict[str, Any] = {"texts": (label or "nothing",)} | more
    return Example(key=key, image=png(rgb), label=label, **fields)


class _Shard:
    name, identity, stored_bytes, packed = "memory", "memory", 0, True

    def __init__(self, records: list[Example | Skipped]) -> None:
        self._records = records

    def open(self, tally: Tally, /) -> "_Shard":
        return self

    def __len__(self) -> int:
        return len(self._records)

    def read(self, number: int, /) -> Example | Skipped:
        return self._records[number]


def source_of(*records: Example | Skipped, name: str = "eval-colours.tar.gz") -> Source:
    """Make a source in memory."""
    return Source(f"sets/{name}", name, [_Shard(list(records))])


def colour_folder(folder: Path, colours: dict[str, tuple[int, int, int]]) -> Path:
    """Write a class folder: `name-what` is a picture of a colour in the class `name`."""
    for name, rgb in colours.items():
        place = folder / name.split("-")[0]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.png").write_bytes(png(rgb))
    return folder
