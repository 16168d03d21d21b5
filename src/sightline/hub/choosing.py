"""Which files of a repository make up a checkpoint: those are fetched. Enter at `choose`.

The names are a stranger's: one that could leave its folder is no name of a checkpoint's file.
"""

import re
from collections.abc import Collection
from fnmatch import fnmatchcase

import msgspec

from sightline.errors import CheckpointError

_BESIDE = (
    "README.md",  # the card
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "*.model",  # SentencePiece
)
_PLAIN = re.compile(r"(?!.*\.\.)\w[\w.+-]{0,150}", re.ASCII)
_SHARD = re.compile(r".+-\d+-of-(\d+)\.\w+")
MOST_FILES = 256  # of one checkpoint; the largest that is published has a dozen
# Bytes of a file, the most that is taken: the first row that fits. The largest of each kind that is
# known: a tokenizer.json of 256,000 words, 34 MB; the index of a thousand shards, 1 MB.
LIMITS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("tokenizer.json", "vocab.json", "merges.txt", "vocab.txt", "*.model"), 64 * 2**20),
    (("*.json", "*.md", "*.onnx"), 16 * 2**20),
    (("*",), 64 * 2**30),
)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one layout, all of them at the top of the repository."""

    record: str  # says what the model is; without it the layout is another one
    weights: tuple[tuple[str, ...], ...]  # alternatives, the best first: pickles come last
    beside: tuple[str, ...]  # taken where they are there


# In this order where a repository holds several: ours says most, and OpenCLIP's files are those of
# the people who trained, from which the others were converted.
SHAPES = {
    "sightline": Shape(
        record="sightline.json",
        weights=(("model.safetensors",), ("model.safetensors.index.json", "model-*.safetensors")),
        beside=(
            "calibration.json",
            "canaries.safetensors",
            "*.onnx",
            "config.json",  # with the next one, so that transformers opens what was fetched
            "preprocessor_config.json",
            *_BESIDE,
        ),
    ),
    "openclip": Shape(
        record="open_clip_config.json",
        weights=(("open_clip_model.safetensors",), ("open_clip_pytorch_model.bin",)),
        beside=("canaries.safetensors", *_BESIDE),
    ),
    "huggingface": Shape(
        record="config.json",
        weights=(
            ("model.safetensors",),
            ("model.safetensors.index.json", "model-*.safetensors"),
            ("pytorch_model.bin",),
            ("pytorch_model.bin.index.json", "pytorch_model-*.bin"),
        ),
        beside=(
            "preprocessor_config.json",
            "processor_config.json",
            "canaries.safetensors",
            *_BESIDE,
        ),
    ),
}


def choose(names: Collection[str], layout: str | None, where: str) -> tuple[str, ...]:
    """Return the names of the files to fetch, sorted.

    Args:
        names: Every file that is there.
        layout: A key of `SHAPES`; None takes the first that is there whole.
        where: What to call the place in a message.

    Raises:
        CheckpointError: No layout is there whole, or one of more files than any has.
    """
    for key in SHAPES if layout is None else (layout,):
        weights = _weights(names, SHAPES[key])
        if weights and SHAPES[key].record in names:
            beside = [name for name in names if _fits(name, SHAPES[key].beside)]
            return _few({SHAPES[key].record, *weights, *beside}, where)
    wanted = " or ".join(
        f"{shape.record} with {shape.weights[0][0]}"
        for key, shape in SHAPES.items()
        if layout in (None, key)
    )
    raise CheckpointError(f"{where} holds no checkpoint: it needs {wanted}")


def most_bytes(name: str) -> int:
    """Return how large a file of that name may be."""
    return next(limit for patterns, limit in LIMITS if _is_like(name, patterns))


def _few(names: set[str], where: str) -> tuple[str, ...]:
    if len(names) > MOST_FILES:
        raise CheckpointError(
            f"{where} lists {len(names)} files for one checkpoint, more than {MOST_FILES}: refused"
        )
    return tuple(sorted(names))


def _weights(names: Collection[str], shape: Shape) -> tuple[str, ...]:
    """Return the files of the first alternative that is there whole."""
    for patterns in shape.weights:
        found = tuple(name for name in names if _fits(name, patterns))
        shards = [int(match[1]) for name in found if (match := _SHARD.fullmatch(name))]
        is_whole = patterns[0] in found and (
            len(patterns) == 1 or (len(set(shards)) == 1 and len(shards) == shards[0])
        )
        if is_whole:
            return found
    return ()


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return bool(_PLAIN.fullmatch(name)) and _is_like(name, patterns)


def _is_like(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
