"""The two ways through the towers. Enter at `stream_images` and `encode_texts`.

Decode threads run ahead of the image tower, which takes what they made in micro-batches; texts are
encoded once each, by length, and without the pads where pads cannot matter, and one that no row
holds may be read in windows.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, Literal, TypeAlias, get_args

import msgspec
import numpy as np

from sightline import images
from sightline.embedder.lookahead import map_ahead
from sightline.errors import CheckpointError, ImageError, TextError
from sightline.images import ImageSource
from sightline.runtime import Towers
from sightline.scoring.vectors import mean_directions, unit
from sightline.shapes import Float32, Int64
from sightline.spec import Spec, Words
from sightline.spec.windows import Windows

LongText: TypeAlias = Literal["raise", "cut", "window"]

MICRO_BATCH = 16  # larger ones gain nothing on a CPU and make a person wait for the first answer
AHEAD = 3 * MICRO_BATCH  # pictures decoded or being decoded while one micro-batch is encoded
MAX_THREADS = 4  # one decoder keeps up with a tower on one core; each may hold a large picture
_SHOWN = 60  # characters of a text in a message


class Skipped(msgspec.Struct, frozen=True):
    """Why a picture has no vector, in one sentence."""

    reason: str


def stream_images(
    pictures: Iterable[tuple[str, ImageSource]], spec: Spec, towers: Towers
) -> Iterator[tuple[str, Float32[np.ndarray, " embed_dim"] | Skipped]]:
    """Yield each picture's key with its unit vector, or with why it has none, in order."""

    def decode(entry: tuple[str, ImageSource]) -> tuple[str, Any]:
        """Turn one picture into pixels, in a thread."""
        key, source = entry
        try:
            return key, spec.pixels.apply(*images.read_reduced(source, spec.pixels.reduction))
        except ImageError as error:
            return key, Skipped(str(error))

    threads = min(MAX_THREADS, os.cpu_count() or 1)
    with closing(map_ahead(decode, pictures, threads=threads, ahead=AHEAD)) as decoded:
        while batch := list(islice(decoded, MICRO_BATCH)):
            yield from _encode_batch(batch, towers)


def _encode_batch(
    batch: Sequence[tuple[str, Any]], towers: Towers
) -> Iterator[tuple[str, Float32[np.ndarray, " embed_dim"] | Skipped]]:
    """Encode the pictures of a batch that were read, and put the others back in their places."""
    pixels = [made for _, made in batch if not isinstance(made, Skipped)]
    vectors = iter(unit(towers.image(np.stack(pixels))) if pixels else ())
    for key, made in batch:
        vector = made if isinstance(made, Skipped) else next(vectors)
        if not isinstance(vector, Skipped) and np.isnan(vector).any():
            vector = Skipped(
                "the image tower gave a vector without a direction (zero, infinite or NaN): check "
                "the model's weights and precision"
            )
        yield key, vector


def encode_texts(
    texts: Sequence[str],
    spec: Spec,
    towers: Towers,
    words: Words,
    *,
    long: LongText,
) -> Float32[np.ndarray, "captions embed_dim"]:
    """Return one unit vector a text, in the order given; equal texts are encoded once.

    Raises:
        TextError: A text is too long and `long` is "raise", its vector has no direction, or `long`
            is none of the three.
        CheckpointError: The tokenizer is not the text tower's.
    """
    if long not in get_args(LongText):
        raise TextError(f"long is {long!r}: pass 'raise', 'cut' or 'window'")
    if not texts:
        return np.zeros((0, spec.embed_dim), np.float32)
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    if long == "window":
        vectors = _encode_windows(words.windows(list(places)), spec, towers)
    else:
        rows = words.rows(list(places), long=long)
        vectors = _encode_rows(rows.ids, rows.lengths, spec, towers)
    for text, place in places.items():
        if np.isnan(vectors[place]).any():
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            raise TextError(
                f"the text tower gave {shown!r} a vector without a direction (zero, infinite or "
                "NaN): check the model's weights and precision"
            )
    return vectors[[places[text] for text in texts]]


def _encode_windows(
    windows: Windows, spec: Spec, towers: Towers
) -> Float32[np.ndarray, "captions embed_dim"]:
    """Return a text's own vector where one row holds it, else the direction of its windows' mean.

    A window weighs as much as it has ids, so that each id of the text weighs the same.
    """
    whole = windows.counts == 1
    vectors = np.empty((len(whole), spec.embed_dim), np.float32)
    # Apart, because batches of other rows could change the last bit of a text that fits.
    rows = np.repeat(whole, windows.counts)
    vectors[whole] = _encode_rows(windows.ids[rows], windows.lengths[rows], spec, towers)
    parts = _encode_rows(windows.ids[~rows], windows.lengths[~rows], spec, towers)
    vectors[~whole] = mean_directions(parts, windows.sizes[~rows], windows.counts[~whole])
    return vectors


def _encode_rows(
    ids: Int64[np.ndarray, "rows context_length"],
    lengths: Int64[np.ndarray, "rows"],
    spec: Spec,
    towers: Towers,
) -> Float32[np.ndarray, "rows embed_dim"]:
    """Return one unit vector a row, NaN where it has no direction.

    Raises:
        CheckpointError: An id is of another vocabulary than the tower's.
    """
    highest, known = int(ids.max(initial=0)), spec.text.vocab_size
    if highest >= known:
        raise CheckpointError(
            f"the tokenizer gives a text the id {highest} and the text tower has {known} rows: "
            "give the model the tokenizer that it was trained with"
        )
    # Rows of like length together: a batch is as wide as its longest text.
    order = np.argsort(lengths, kind="stable")
    found = np.empty((len(ids), spec.embed_dim), np.float32)
    for start in range(0, len(order), MICRO_BATCH):
        chosen = order[start : start + MICRO_BATCH]
        width = int(lengths[chosen[-1]]) if spec.text.may_trim else spec.words.context_length
        found[chosen] = towers.text(np.ascontiguousarray(ids[chosen, :width]))
    return unit(found)
