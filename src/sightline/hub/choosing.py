"""Which files of a repository make up a checkpoint: those are fetched. Enter at `choose`."""

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
_SHARD = re.compile(r".+-\d+-of-(\d+)\.\w+")


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
        CheckpointError: No layout is there whole.
    """
    for key in SHAPES if layout is None else (layout,):
        weights = _weights(names, SHAPES[key])
        if weights and SHAPES[key].record in names:
            beside = [name for name in names if _fits(name, SHAPES[key].beside)]
            return tuple(sorted({SHAPES[key].record, *weights, *beside}))
    wanted = " or ".join(
        f"{shape.record} with {shape.weights[0][0]}"
        for key, shape in SHAPES.items()
        if layout in (None, key)
    )
    raise CheckpointError(f"{where} holds no checkpoint: it needs {wanted}")


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
    return "/" not in name and any(fnmatchcase(name, pattern) for pattern in patterns)
