"""Folders and files of other libraries, opened as they are: exactly, or refused in a sentence."""

import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file, save_file

from published_answers import rows, unlike
from published_models import (
    OPENCLIP_CONFIG,
    write_hugging_face_clip,
    write_hugging_face_siglip,
    write_json,
    write_openai,
    write_openclip,
    write_siglip_tokenizer,
)
from sightline.checkpoints import read
from sightline.checkpoints.comparing import differences
from sightline.errors import CheckpointError
from sightline.spec import Sigmoid


def refusal(path: Path, **named: str) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(path, **named)
    return str(caught.value)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_hugging_face_clip(tmp_path / "clip")
    return tmp_path / "clip"


def test_a_clip_of_transformers_opens_as_it_is(tmp_path: Path) -> None:
    model = write_hugging_face_clip(tmp_path)
    checkpoint = read(tmp_path)
    assert (checkpoint.layout, checkpoint.spec.text.pool) == ("huggingface", "end_token")
    assert checkpoint.spec.words.pad_id == 49407
    assert unlike(checkpoint, model, rows(49407, 16)) < 1e-6


def test_the_old_end_id_pools_the_highest(tmp_path: Path) -> None:
    model = write_hugging_face_clip(tmp_path, end_id=2)
    checkpoint = read(tmp_path)
    assert checkpoint.spec.text.pool == "highest_id"
    assert unlike(checkpoint, model, rows(49407, 16)) < 1e-6


def test_a_siglip_of_transformers_opens_with_its_tokenizer_s_ids(tmp_path: Path) -> None:
    model = write_hugging_face_siglip(tmp_path)
    checkpoint = read(tmp_path)
    words = checkpoint.spec.words
    assert (words.start_id, words.end_id, words.pad_id) == (None, 0, 0)  # not 38, 39 and 1
    assert isinstance(checkpoint.spec.head, Sigmoid)
    assert unlike(checkpoint, model, rows(0, 12)) < 1e-6


def test_shards_open_like_one_file(tmp_path: Path) -> None:
    model = write_hugging_face_clip(tmp_path / "one")
    whole = read(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two" / "model.safetensors").unlink()
    model.save_pretrained(tmp_path / "two", max_shard_size="4MB")
    assert len(list((tmp_path / "two").glob("*.safetensors"))) > 1
    sharded = read(tmp_path / "two")
    assert sharded.fingerprint == whole.fingerprint
    assert unlike(sharded, model, rows(49407, 16)) < 1e-6


def test_weights_that_torch_pickled_open_the_same(clip: Path) -> None:
    whole = read(clip)
    torch.save(load_file(clip / "model.safetensors"), clip / "pytorch_model.bin")
    (clip / "model.safetensors").unlink()
    assert read(clip).fingerprint == whole.fingerprint


@pytest.mark.parametrize("custom", [False, True])
def test_a_folder_of_openclip_opens_as_it_is(
    custom: bool, tmp_path: Path, open_clip: ModuleType
) -> None:
    config = OPENCLIP_CONFIG | ({"custom_text": True} if custom else {})
    model = write_openclip(tmp_path, open_clip, config)
    checkpoint = read(tmp_path)
    assert (checkpoint.layout, checkpoint.spec.pixels.crop_rounding) == ("openclip", "half_even")
    assert unlike(checkpoint, model, rows(49407, 16)) < 1e-6


def test_control_another_activation_is_another_model(tmp_path: Path, open_clip: ModuleType) -> None:
    model = write_openclip(tmp_path, open_clip)
    config = json.loads((tmp_path / "open_clip_config.json").read_text())
    config["model_cfg"]["quick_gelu"] = False
    write_json(tmp_path / "open_clip_config.json", config)
    assert unlike(read(tmp_path), model, rows(49407, 16)) > 1e-3


def test_an_archive_of_openai_opens_by_its_shapes(tmp_path: Path, open_clip: ModuleType) -> None:
    model = write_openai(tmp_path / "ViT-tiny.pt", open_clip)
    checkpoint = read(tmp_path / "ViT-tiny.pt")
    assert checkpoint.layout == "openai"
    assert differences(checkpoint.spec, read(tmp_path / "as-openclip").spec) == ()
    assert unlike(checkpoint, model, rows(49407, 16)) < 1e-6


def test_an_archive_that_contradicts_itself_is_refused(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    path = tmp_path / "w.pt"
    write_openai(path, open_clip)
    state = torch.load(path)
    torch.save(state | {"input_resolution": torch.tensor(999)}, path)
    assert refusal(path) == (
        f"{path} cannot be followed: its input_resolution is 999, and its tensors are of 32"
    )
    torch.save(state | {"vocab_size": torch.tensor([1, 2])}, path)
    assert refusal(path).startswith(f"{path} has vocab_size of shape [2], which is to be one")


def test_an_archive_under_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_clip: ModuleType
) -> None:
    path = tmp_path / "w.pt"
    write_openai(path, open_clip)
    assert refusal(path, architecture="ViT-B-32") == (
        f"{path} cannot be followed: it is an archive of OpenAI's with other towers than ViT-B-32, "
        "which was named for it: leave the name out"
    )
    spec = read(path).spec
    monkeypatch.setattr("sightline.checkpoints.published.architecture", lambda _: spec)
    assert read(path, architecture="its own").spec == spec


def test_half_precision_stays_half(tmp_path: Path, open_clip: ModuleType) -> None:
    write_openai(tmp_path / "w.pt", open_clip, torch.float16)
    assert {tensor.dtype for tensor in read(tmp_path / "w.pt").tensors.values()} == {"F16"}


def test_a_bare_file_needs_its_architecture_named(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"state_dict": {"module.logit_scale": torch.tensor(1.0)}}, path)
    assert refusal(path) == (
        f"{path} does not say which architecture its weights were trained with: name it, as in "
        "architecture='ViT-B-32' or --architecture ViT-B-32"
    )


def test_architectures_of_the_same_shapes_are_all_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_clip: ModuleType
) -> None:
    write_openclip(tmp_path / "w", open_clip)
    spec = read(tmp_path / "w").spec
    path = tmp_path / "epoch_1.safetensors"
    shutil.copy(tmp_path / "w" / "open_clip_model.safetensors", path)
    known = {"tiny": spec, "tiny-quickgelu": spec}
    monkeypatch.setattr("sightline.checkpoints.published.ARCHITECTURES", known)
    assert "(tiny, tiny-quickgelu have these shapes): name it" in refusal(path)


def test_what_a_bare_file_leaves_open_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_clip: ModuleType
) -> None:
    """A name says nothing of pixels: LAION-2B's ViT-L-14 has others than all else of its name."""
    write_openclip(tmp_path / "w", open_clip)
    spec = read(tmp_path / "w").spec
    path = tmp_path / "epoch_1.safetensors"
    shutil.copy(tmp_path / "w" / "open_clip_model.safetensors", path)
    monkeypatch.setattr("sightline.checkpoints.published.architecture", lambda _: spec)
    given = "its file does not say what it is: ViT-L-14 was given for it"
    pixels = (
        "nor does it say how pictures become pixels: {} has resize shortest, filter bicubic, mean "
        "0.481, 0.458, 0.408, std 0.269, 0.261, 0.276"
    )
    assert read(path, architecture="ViT-L-14").remarks == (
        given,
        pixels.format("ViT-L-14") + "; its weights laion2b_s32b_b82k have another mean and std: if "
        "it is those, name ViT-L-14/laion2b_s32b_b82k",
    )
    assert read(path, architecture="ViT-B-32").remarks == (
        given.replace("ViT-L-14", "ViT-B-32"),
        pixels.format("ViT-B-32"),
    )


def test_an_architecture_that_no_spec_can_say_is_refused_by_name(tmp_path: Path) -> None:
    torch.save({"logit_scale": torch.tensor(1.0)}, tmp_path / "w.pt")
    assert refusal(tmp_path / "w.pt", architecture="coca_ViT-B-32") == (
        f"{tmp_path / 'w.pt'} cannot be followed: the architecture coca_ViT-B-32 is not read here: "
        "it has a decoder that writes captions (CoCa)"
    )


def test_an_unknown_architecture_names_the_nearest(tmp_path: Path) -> None:
    torch.save({"logit_scale": torch.tensor(1.0)}, tmp_path / "w.pt")
    assert refusal(tmp_path / "w.pt", architecture="ViT-B-31") == (
        f"{tmp_path / 'w.pt'} cannot be followed: unknown architecture 'ViT-B-31': did you mean "
        "'ViT-B-32'?"
    )


def test_another_architecture_than_the_weights_is_refused(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    write_openclip(tmp_path / "w", open_clip)
    path = tmp_path / "w.safetensors"
    shutil.copy(tmp_path / "w" / "open_clip_model.safetensors", path)
    said = refusal(path, architecture="ViT-B-32")
    assert said.startswith(f"{path} lacks 240 tensors (")


def test_a_siglip_file_needs_its_tokenizer_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"logit_scale": torch.tensor(1.0)}, path)
    assert refusal(path, architecture="ViT-B-16-SigLIP") == (
        f"{path} needs its tokenizer.json beside it, which a ViT-B-16-SigLIP does not share with "
        "others"
    )


def test_an_architecture_is_for_bare_files_only(clip: Path) -> None:
    assert refusal(clip, architecture="ViT-B-32") == (
        f"architecture 'ViT-B-32' was named for {clip}, which is no file of bare weights: a folder "
        "says itself what it is, so leave the name out"
    )


def test_a_file_that_a_record_describes_is_no_bare_file(clip: Path) -> None:
    path = clip / "model.safetensors"
    assert refusal(path) == (
        f"{path} is a file that config.json beside it describes: give the folder it lies in"
    )


def test_of_both_layouts_the_one_of_its_makers_is_read(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    write_hugging_face_clip(tmp_path)
    write_openclip(tmp_path, open_clip)
    assert read(tmp_path).layout == "openclip"
    (tmp_path / "open_clip_model.safetensors").unlink()
    assert read(tmp_path).layout == "huggingface"


def test_keys_that_a_config_leaves_out_have_its_class_s_values(clip: Path) -> None:
    config = json.loads((clip / "config.json").read_text())
    before = read(clip).spec
    del config["text_config"]["layer_norm_eps"], config["vision_config"]["hidden_act"]
    write_json(clip / "config.json", config)
    assert read(clip).spec == before


def test_what_stands_under_the_old_key_wins_as_in_transformers(clip: Path) -> None:
    config = json.loads((clip / "config.json").read_text())
    config["text_config_dict"] = config["text_config"]
    config["text_config"] = config["text_config"] | {"num_attention_heads": 2}
    write_json(clip / "config.json", config)
    assert read(clip).spec.text.heads == 1


@pytest.mark.parametrize(
    ("card", "license_name"),
    [
        ("---\nlicense: mit\ntags:\n- clip\n---\n# Model", "mit"),
        ("---\ntags: [a]\nlicense: 'apache-2.0'\n---\n", "apache-2.0"),
        ("# Model\nlicense: mit", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_licence_is_the_card_s(card: str | None, license_name: str, clip: Path) -> None:
    if card is not None:
        (clip / "README.md").write_text(card)
    assert read(clip).license == license_name


def test_where_libraries_differ_it_says_so(clip: Path) -> None:
    assert any("ftfy" in remark for remark in read(clip).remarks)


def test_a_siglip_2_that_does_not_say_where_it_pads_is_remarked(tmp_path: Path) -> None:
    write_hugging_face_siglip(tmp_path)
    assert "pads on the left" not in read(tmp_path).remarks[-1]
    write_siglip_tokenizer(tmp_path, kind="GemmaTokenizer")
    assert "GemmaTokenizer of transformers then pads on the left" in read(tmp_path).remarks[-1]
