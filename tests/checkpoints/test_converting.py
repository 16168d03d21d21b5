"""From any layout to any other that can be the same model: bit for bit, or refused."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from changed_tokenizers import word, write_clip_tokenizer
from published_models import (
    OPENCLIP_CONFIG,
    write_hugging_face_clip,
    write_hugging_face_siglip,
    write_json,
    write_openai,
    write_openclip,
)
from sightline.checkpoints import Checkpoint, convert, read
from sightline.checkpoints.converting import NO_PIECES
from sightline.checkpoints.layouts import ROUNDED
from sightline.errors import CheckpointError
from sightline.spec.words import open_words
from tiny_models import random_model, write_tiny_model
from tiny_towers import SPECS, saved

LAYOUTS = ["sightline", "huggingface", "openclip", "openai"]


def opened(folder: Path) -> Checkpoint:
    bare = folder / "model.pt"
    return read(bare) if bare.exists() else read(folder)


def source(layout: str, folder: Path, open_clip: ModuleType) -> Checkpoint:
    """Return one tiny CLIP in a layout, written by its own library."""
    writers: dict[str, Callable[[], Any]] = {
        "huggingface": lambda: write_hugging_face_clip(folder),
        "openclip": lambda: write_openclip(folder, open_clip),
        "openai": lambda: write_openai(folder / "model.pt", open_clip),
    }
    if layout == "sightline":
        write_hugging_face_clip(folder / "from")
        convert(read(folder / "from"), folder / "ours", "sightline")
        return read(folder / "ours")
    folder.mkdir(exist_ok=True)
    writers[layout]()
    return opened(folder)


@pytest.mark.parametrize("there", LAYOUTS)
@pytest.mark.parametrize("here", LAYOUTS)
def test_every_pair_goes_there_and_back_bit_for_bit(
    here: str, there: str, tmp_path: Path, open_clip: ModuleType
) -> None:
    first = source(here, tmp_path / "first", open_clip)
    convert(first, tmp_path / "second", there)
    second = opened(tmp_path / "second")
    assert second.layout == there
    assert second.tensors == first.tensors
    convert(second, tmp_path / "third", here)
    third = opened(tmp_path / "third")
    assert third.tensors == first.tensors
    assert third.spec.image == first.spec.image


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_stays_half_through_every_layout(dtype: torch.dtype, tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from", dtype=dtype)
    first = found = read(tmp_path / "from")
    for layout in LAYOUTS:
        convert(found, tmp_path / layout, layout)
        found = opened(tmp_path / layout)
        assert found.tensors == first.tensors
    wanted = {"torch.float16": "F16", "torch.bfloat16": "BF16"}[str(dtype)]
    assert {tensor.dtype for tensor in found.tensors.values()} == {wanted}


@pytest.mark.parametrize("layout", ["sightline", "huggingface"])
def test_transformers_opens_a_clip_and_says_the_same(layout: str, tmp_path: Path) -> None:
    from transformers import CLIPModel, CLIPTokenizer

    model = write_hugging_face_clip(tmp_path / "from")
    convert(read(tmp_path / "from"), tmp_path / "to", layout)
    again: Any = CLIPModel.from_pretrained(tmp_path / "to")
    ids = CLIPTokenizer.from_pretrained(tmp_path / "to")(
        ["a cat", "two dogs"], padding="max_length", max_length=16, return_tensors="pt"
    ).input_ids
    given = {"input_ids": ids, "pixel_values": torch.randn(2, 3, 32, 32)}
    with torch.no_grad():
        assert torch.equal(again(**given).logits_per_image, model(**given).logits_per_image)


def test_transformers_opens_a_siglip_and_says_the_same(tmp_path: Path) -> None:
    from transformers import SiglipModel

    model = write_hugging_face_siglip(tmp_path / "from")
    convert(read(tmp_path / "from"), tmp_path / "to", "sightline")
    again: Any = SiglipModel.from_pretrained(tmp_path / "to")
    ids = torch.randint(2, 10, (3, 12))
    given = {"input_ids": ids, "pixel_values": torch.randn(2, 3, 32, 32)}
    with torch.no_grad():
        assert torch.equal(again(**given).logits_per_image, model(**given).logits_per_image)
    assert read(tmp_path / "to").spec.words == read(tmp_path / "from").spec.words


def test_transformers_opens_a_model_that_was_pretrained_here(tmp_path: Path) -> None:
    from transformers import CLIPModel

    spec = SPECS["CLIP"]
    model = random_model(spec)
    saved(tmp_path, model)
    theirs: Any = CLIPModel.from_pretrained(tmp_path)
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        apart = theirs.get_image_features(pixel_values=pixels).pooler_output
        assert (apart - model.encode_image(pixels)).abs().max() < 1e-5


def test_openai_s_reader_accepts_what_is_written_for_it(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    write_hugging_face_clip(tmp_path / "from")
    convert(read(tmp_path / "from"), tmp_path / "to", "openai")
    state = torch.load(tmp_path / "to" / "model.pt", weights_only=True)
    assert int(state["input_resolution"]) == 32
    assert all(isinstance(tensor, torch.Tensor) for tensor in state.values())


def test_openclip_opens_what_is_written_for_it(tmp_path: Path, open_clip: ModuleType) -> None:
    model = write_hugging_face_clip(tmp_path / "from")
    convert(read(tmp_path / "from"), tmp_path / "to", "openclip")
    again = open_clip.create_model(f"local-dir:{tmp_path / 'to'}")
    ids, pixels = torch.randint(1, 99, (2, 16)), torch.randn(2, 3, 32, 32)
    ids[:, -1] = 49407
    with torch.no_grad():
        theirs = model(input_ids=ids, pixel_values=pixels)
        assert (again.encode_image(pixels, True) - theirs.image_embeds).abs().max() < 1e-6
        assert (again.encode_text(ids, True) - theirs.text_embeds).abs().max() < 1e-6


def test_a_resnet_goes_to_openai_and_back(tmp_path: Path, open_clip: ModuleType) -> None:
    vision = {"image_size": 64, "layers": [1, 2, 1, 1], "width": 64, "patch_size": None}
    write_openclip(tmp_path / "from", open_clip, OPENCLIP_CONFIG | {"vision_cfg": vision})
    first = read(tmp_path / "from")
    convert(first, tmp_path / "to", "openai")
    convert(opened(tmp_path / "to"), tmp_path / "back", "openclip")
    assert read(tmp_path / "back").tensors == first.tensors
    with pytest.raises(CheckpointError, match="transformers has no class for this architecture"):
        convert(first, tmp_path / "never", "huggingface")
    assert not (tmp_path / "never").exists()


def test_what_a_library_decides_for_itself_is_said(tmp_path: Path, open_clip: ModuleType) -> None:
    write_openclip(tmp_path / "from", open_clip)
    done = convert(read(tmp_path / "from"), tmp_path / "to", "huggingface")
    assert done.remarks == ("huggingface files say pixels.crop_rounding: 'floor', not 'half_even'",)


def test_a_folder_of_ours_says_what_transformers_makes_otherwise_of_it(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    """Our record keeps what was trained; the processor beside it cannot say it."""
    write_openclip(tmp_path / "from", open_clip)
    done = convert(read(tmp_path / "from"), tmp_path / "to", "sightline")
    assert done.remarks == (
        "transformers' files beside sightline.json say pixels.crop_rounding: 'floor', not "
        "'half_even'",
    )
    assert read(tmp_path / "to").spec.pixels == read(tmp_path / "from").spec.pixels
    assert ROUNDED in (tmp_path / "to" / "README.md").read_text(encoding="utf-8")
    write_hugging_face_clip(tmp_path / "theirs")  # control: nothing differs, nothing is said
    assert convert(read(tmp_path / "theirs"), tmp_path / "same", "sightline").remarks == ()
    assert ROUNDED not in (tmp_path / "same" / "README.md").read_text(encoding="utf-8")


def test_a_folder_with_nothing_but_openai_s_file_opens(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    write_hugging_face_clip(tmp_path / "from")
    convert(read(tmp_path / "from"), tmp_path / "to", "openai")
    found, file = read(tmp_path / "to"), read(tmp_path / "to" / "model.pt")
    assert (found.layout, found.fingerprint) == ("openai", file.fingerprint)


def test_the_card_comes_along(tmp_path: Path) -> None:
    write_hugging_face_clip(tmp_path / "from")
    card = b"---\nlicense: mit\n---\n# A model\n"
    (tmp_path / "from" / "README.md").write_bytes(card)
    for layout in LAYOUTS:
        convert(read(tmp_path / "from"), tmp_path / layout, layout)
        assert (tmp_path / layout / "README.md").read_bytes() == card
        assert opened(tmp_path / layout).license == "mit"


def test_without_a_card_the_licence_still_comes_along(tmp_path: Path) -> None:
    checkpoint = read(write_tiny_model(tmp_path / "from"))
    convert(checkpoint, tmp_path / "to", "huggingface")
    assert read(tmp_path / "to").license == checkpoint.license


def test_a_file_that_is_clip_s_own_is_called_so_where_none_is_asked_for(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    text = OPENCLIP_CONFIG["text_cfg"] | {"hf_tokenizer_name": "org/self"}
    write_openclip(tmp_path / "from", open_clip, OPENCLIP_CONFIG | {"text_cfg": text})
    write_clip_tokenizer(tmp_path / "from")
    first = read(tmp_path / "from")
    assert (first.spec.words.tokenizer, first.spec.words.pad_id) == ("file", 49407)
    remarks = convert(first, tmp_path / "to", "huggingface").remarks
    assert "huggingface files say words.tokenizer: 'clip', not 'file'" in remarks
    assert read(tmp_path / "to").spec.words.tokenizer == "clip"


def test_what_a_siglip_lacks_for_transformers_is_said(tmp_path: Path) -> None:
    write_hugging_face_siglip(tmp_path / "from")
    first = read(tmp_path / "from")
    assert NO_PIECES in convert(first, tmp_path / "to", "huggingface").remarks
    assert NO_PIECES not in convert(first, tmp_path / "ours", "sightline").remarks


def test_control_a_word_that_was_added_is_never_lost(tmp_path: Path) -> None:
    folder = tmp_path / "from"
    write_hugging_face_clip(folder)
    write_clip_tokenizer(folder, word("sks"))
    config = json.loads((folder / "config.json").read_text())
    state = load_file(folder / "model.safetensors")
    name = "text_model.embeddings.token_embedding.weight"
    state[name] = torch.cat([state[name], torch.ones(1, 64)])
    save_file(state, folder / "model.safetensors")
    config["text_config"]["vocab_size"] = 49409
    write_json(folder / "config.json", config)
    first = read(folder)
    for layout in ("huggingface", "openclip", "sightline"):
        convert(first, tmp_path / layout, layout)
        again = read(tmp_path / layout)
        ids = open_words(again.spec.words, again.folder).encode("a sks")
        assert ids == [49406, 320, 49408, 49407]
    with pytest.raises(CheckpointError, match=r"words\.tokenizer: 'clip', not 'file'"):
        convert(first, tmp_path / "openai", "openai")
