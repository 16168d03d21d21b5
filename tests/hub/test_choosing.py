import pytest

from sightline.errors import CheckpointError
from sightline.hub.choosing import SHAPES, choose, most_bytes

WORDS = ("README.md", "tokenizer.json", "vocab.json", "merges.txt")
OPENCLIP = ("open_clip_config.json", "open_clip_model.safetensors", "open_clip_pytorch_model.bin")
HUGGING = ("config.json", "preprocessor_config.json", "model.safetensors", "pytorch_model.bin")
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
SHARDED = ("config.json", "model.safetensors.index.json")
NEVER = ("LICENSE", "tf_model.h5", "flax_model.msgpack", "onnx/model.onnx", "0/model.safetensors")


@pytest.mark.parametrize(
    ("there", "layout", "chosen"),
    [
        (OPENCLIP + WORDS + NEVER, "openclip", OPENCLIP[:2] + WORDS),
        (HUGGING + WORDS + NEVER, "huggingface", HUGGING[:3] + WORDS),
        (HUGGING + OPENCLIP + WORDS, None, OPENCLIP[:2] + WORDS),
        (HUGGING + OPENCLIP + WORDS, "huggingface", HUGGING[:3] + WORDS),
        (  # as transformers 5 saves
            ("config.json", "processor_config.json", "model.safetensors", *NEVER),
            None,
            ("config.json", "processor_config.json", "model.safetensors"),
        ),
        (("config.json", "pytorch_model.bin"), None, ("config.json", "pytorch_model.bin")),
        (
            ("open_clip_config.json", *HUGGING),  # OpenCLIP's weights are missing
            None,
            HUGGING[:3],
        ),
        (
            ("sightline.json", "model.safetensors", "image.onnx", "text.onnx", *NEVER),
            None,
            ("sightline.json", "model.safetensors", "image.onnx", "text.onnx"),
        ),
        (  # transformers opens a folder of ours that was fetched
            ("sightline.json", *HUGGING, *NEVER),
            None,
            ("sightline.json", *HUGGING[:3]),
        ),
        ((*SHARDED, *SHARDS, "pytorch_model.bin"), None, SHARDED + SHARDS),
        (  # a shard is missing
            (*SHARDED, SHARDS[0], "pytorch_model.bin"),
            None,
            ("config.json", "pytorch_model.bin"),
        ),
    ],
)
def test_exactly_the_files_of_one_layout_are_chosen(
    there: tuple[str, ...], layout: str | None, chosen: tuple[str, ...]
) -> None:
    assert choose(there, layout, "org/model") == tuple(sorted(chosen))


@pytest.mark.parametrize(
    "name",
    ["..\\..\\x.model", "a\0b.model", "..model", "a/../b.model", "/x.model", "\u202ex.model"],
)
def test_a_name_that_is_no_plain_one_is_no_file_of_a_checkpoint(name: str) -> None:
    there = ("config.json", "model.safetensors")
    assert choose((*there, name), None, "org/model") == there
    assert choose((*there, "spiece.model"), None, "org/model") == (*there, "spiece.model")


def test_more_files_than_a_checkpoint_has_are_refused() -> None:
    names = ["config.json", "model.safetensors", *(f"{number}.model" for number in range(255))]
    with pytest.raises(CheckpointError) as caught:
        choose(names, None, "org/model")
    assert str(caught.value) == (
        "org/model lists 257 files for one checkpoint, more than 256: refused"
    )
    assert len(choose(names[:-1], None, "org/model")) == 256


@pytest.mark.parametrize(
    ("name", "megabytes"),
    [
        ("config.json", 16),
        ("model.safetensors.index.json", 16),
        ("README.md", 16),
        ("image.onnx", 16),
        ("tokenizer.json", 64),
        ("spiece.model", 64),
        ("model-00001-of-00002.safetensors", 65536),
        ("pytorch_model.bin", 65536),
    ],
)
def test_a_file_is_only_so_large(name: str, megabytes: int) -> None:
    assert most_bytes(name) == megabytes * 2**20


def test_pickles_come_last_in_every_layout() -> None:
    for shape in SHAPES.values():
        is_pickle = [patterns[0].partition(".")[2].startswith("bin") for patterns in shape.weights]
        assert is_pickle == sorted(is_pickle)


@pytest.mark.parametrize(
    ("layout", "needed"),
    [
        ("openclip", "open_clip_config.json with open_clip_model.safetensors"),
        (
            None,
            "sightline.json with model.safetensors or open_clip_config.json with "
            "open_clip_model.safetensors or config.json with model.safetensors",
        ),
    ],
)
def test_a_place_without_a_checkpoint_says_what_it_needs(layout: str | None, needed: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        choose(("README.md", "model.safetensors"), layout, "org/model")
    assert str(caught.value) == f"org/model holds no checkpoint: it needs {needed}"
