import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.checkpoints import read, verify_digests
from sightline.checkpoints.folder import CANARIES
from sightline.data.vocabulary import train_vocabulary
from sightline.errors import CheckpointError
from sightline.spec import open_words
from sightline.verify import check, read_canaries, write_canaries
from sightline.verify.beside import beside
from tiny_canaries import PARTS, edit_json, edit_said, flip_a_bit, forge, guarded, set_in
from tiny_folder import write_arrays
from tiny_models import tiny_clip_spec

Copied = Callable[[str], Path]
# What the issue of canaries names: each swap of `sightline.json`, and the field to be blamed.
SWAPS: dict[str, tuple[str, Any]] = {
    "image activation": ("image.activation", "gelu"),
    "text activation": ("text.activation", "gelu_tanh"),
    "image eps": ("image.norm_eps", 1e-6),
    "text eps": ("text.norm_eps", 1e-6),
    "filter": ("pixels.filter", "bilinear"),
    "crop rule": ("pixels.crop_rounding", "floor"),
    "resize": ("pixels.resize", "squash"),
    "mean": ("pixels.mean", [0.5, 0.5, 0.5]),
    "padding": ("words.pad_id", 49407),
    "end token": ("words.end_id", 49405),
    "cleaning": ("words.clean", "lower"),
    "pool": ("text.pool", "last"),
    "heads": ("text.heads", 2),
}


def test_control_an_unchanged_model_is_itself(own: Path) -> None:
    found = check(own)
    assert (found.is_itself, found.fields, found.unknown) == (True, (), ())
    assert found.fingerprint == read(own).fingerprint
    assert [note.part for note in found.notes] == PARTS


@pytest.mark.parametrize("name", SWAPS)
def test_a_swap_in_the_record_is_named(own: Path, name: str) -> None:
    field, value = SWAPS[name]
    edit_json(own / "sightline.json", f"spec.{field}", value)
    found = check(own)
    assert found.is_itself is False
    assert field in found.fields


@pytest.mark.parametrize("name", [name for name in SWAPS if name != "end token"])
def test_a_swap_in_both_records_is_named_by_what_the_model_does(own: Path, name: str) -> None:
    """The spec in the canaries and the fingerprint agree with the edited record."""
    field, value = SWAPS[name]
    forge(own, field, value)
    found = check(own)
    assert found.fields == (field,)
    assert not [note for note in found.differing if note.part in ("spec", "fingerprint")]


def test_an_end_token_in_both_records_is_named(own: Path, tmp_path: Path) -> None:
    """Pooled where the first end is, so a wrong end is a wrong vector too; one field is named."""
    from msgspec.structs import replace

    spec = tiny_clip_spec()
    text = replace(spec.text, pool="end_token")
    guarded(tmp_path / "ends", replace(spec, text=text))
    forge(tmp_path / "ends", "words.end_id", 49405)
    found = check(tmp_path / "ends")
    assert found.fields == ("words.end_id",)


def test_a_flipped_bit_names_its_tensor(own: Path) -> None:
    flip_a_bit(read(own), "image.blocks.1.attention.query.weight")
    assert check(own).fields[0] == "image.blocks.1.attention.query.weight"


def test_a_bit_that_rots_is_found_behind_digests_that_were_kept(own: Path) -> None:
    """Control: whoever believes the file's size and time sees nothing."""
    verify_digests(read(own))
    flip_a_bit(read(own), "text.final_norm.weight")
    verify_digests(read(own))
    assert check(own).fields[0] == "text.final_norm.weight"


def test_a_flipped_bit_of_another_layout_names_our_tensor(copied: Copied) -> None:
    for layout in ("huggingface", "openclip"):
        folder = copied(layout)
        assert check(folder).is_itself is True
        flip_a_bit(read(folder), "text.blocks.0.mlp.down.weight")
        assert check(folder).fields[0] == "text.blocks.0.mlp.down.weight"


THEIRS: dict[str, tuple[str, str, Any, str]] = {
    "activation": ("config.json", "text_config.hidden_act", "gelu", "text.activation"),
    "eps": ("config.json", "text_config.layer_norm_eps", 1e-6, "text.norm_eps"),
    "image eps": ("config.json", "vision_config.layer_norm_eps", 1e-6, "image.norm_eps"),
    "heads": ("config.json", "vision_config.num_attention_heads", 2, "image.heads"),
    "filter": ("preprocessor_config.json", "resample", 2, "pixels.filter"),
    "mean": ("preprocessor_config.json", "image_mean", [0.5, 0.5, 0.5], "pixels.mean"),
    "pad": ("tokenizer_config.json", "pad_token", "!", "words.pad_id"),
}


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("silent", [False, True])
def test_a_swap_in_a_hugging_face_folder_is_named(copied: Copied, name: str, silent: bool) -> None:
    """Whether or not the canaries still say what the spec was."""
    file, key, value, field = THEIRS[name]
    folder = copied("huggingface")
    edit_json(folder / file, key, value)
    if silent:
        now = read(folder)
        kind = field.split(".")[0]
        then: Any = getattr(getattr(now.spec, kind), field.split(".")[1])
        then = list(then) if isinstance(then, tuple) else then

        def forge_said(said: dict[str, Any]) -> None:
            set_in(said["spec"], field, then)
            said["fingerprint"] = now.fingerprint

        edit_said(folder, forge_said)
    assert check(folder).fields == (field,)


def test_a_swap_in_an_openclip_folder_is_named(copied: Copied) -> None:
    folder = copied("openclip")
    edit_json(folder / "open_clip_config.json", "preprocess_cfg.mean", [0.5, 0.5, 0.5])
    assert check(folder).fields == ("pixels.mean",)


def test_canaries_of_one_layout_say_what_another_does_otherwise(own: Path, copied: Copied) -> None:
    folder = copied("huggingface")
    (folder / CANARIES).write_bytes((own / CANARIES).read_bytes())
    assert check(folder).fields == ("pixels.crop_rounding", "words.pad_id", "sightline.json")


def test_a_swapped_tokenizer_file_is_named(tmp_path: Path) -> None:
    folder = own_vocabulary(tmp_path / "model")
    assert check(folder).is_itself is True
    train_vocabulary(["zebras graze on green hills"], 400, folder / "tokenizer.json")
    found = check(folder)
    assert found.is_itself is False
    assert found.notes[0].sentence == (
        f"it does not open: {folder / 'tokenizer.json'} is not the tokenizer this model was "
        "written with (its digest differs from the one in sightline.json): restore it from where "
        "the model came from"
    )
    assert found.fields == ("tokenizer.json",)
    # In every record of the digest: its ids still tell.
    edit_json(folder / "sightline.json", "tokenizer", "0" * 64)
    swapped = record_tokenizer(folder)
    edit_said(folder, lambda said: said.update(tokenizer=swapped, files=beside(folder)))
    assert check(folder).fields == ("tokenizer",)


def own_vocabulary(folder: Path) -> Path:
    """Write a model over a vocabulary of its own, with canaries."""
    from msgspec.structs import replace

    from sightline.checkpoints import write
    from tiny_canaries import letters
    from tiny_folder import RECORD
    from tiny_towers import tiny_model

    spec = tiny_clip_spec()
    words = replace(spec.words, tokenizer="file", start_id=1, end_id=2, pad_id=0)
    text = replace(spec.text, vocab_size=400, pool="end_token")
    spec = replace(spec, words=words, text=text)
    tensors = {name: tensor.numpy() for name, tensor in tiny_model(spec).state_dict().items()}
    file = letters(folder.with_name("letters")) / "tokenizer.json"
    write(folder, spec=spec, tensors=tensors, record=RECORD, tokenizer_file=file)
    write_canaries(folder)
    return folder


def record_tokenizer(folder: Path) -> str:
    """Let our record agree with the tokenizer that is there, and return its digest."""
    from hashlib import sha256

    digest = sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    edit_json(folder / "sightline.json", "tokenizer", digest)
    return digest


def test_a_record_that_does_not_hold_together_still_names_its_field(own: Path) -> None:
    edit_json(own / "sightline.json", "spec.words.end_id", 49406)
    found = check(own)
    assert found.is_itself is False
    assert found.fields == ("words.end_id",)
    assert found.notes[0].sentence.startswith("it does not open: ")


def test_a_cut_file_is_a_finding_where_canaries_say_what_it_was(copied: Copied) -> None:
    folder = copied("huggingface")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    found = check(folder)
    assert found.fields == ("model.safetensors",)
    assert "is cut short" in found.notes[0].sentence


def test_a_file_that_no_longer_opens_is_named(own: Path, copied: Copied) -> None:
    """By what changed, and by elimination where the weights are what is wrong."""
    folder = copied("huggingface")
    edit_json(folder / "preprocessor_config.json", "do_normalize", False)
    found = check(folder)
    assert found.fields == ("preprocessor_config.json",)
    assert found.notes[0].sentence.startswith("it does not open: ")
    assert found.differing[-1].sentence == "preprocessor_config.json is not what was written"
    weights = own / "model.safetensors"
    weights.write_bytes(weights.read_bytes().replace(b'"F32"', b'"I32"', 1))
    assert check(own).fields == ("model.safetensors",)
    weights.unlink()
    assert check(own).fields == ("model.safetensors",)


def test_what_is_no_model_is_no_finding(tmp_path: Path, copied: Copied) -> None:
    with pytest.raises(CheckpointError, match="does not exist: check the path"):
        check(tmp_path / "nothing")
    folder = copied("huggingface")
    (folder / CANARIES).unlink()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError, match="has the model_type None"):
        check(folder)


def test_without_canaries_what_could_not_be_told_is_said(own: Path, copied: Copied) -> None:
    (own / CANARIES).unlink()
    found = check(own)
    assert found.is_itself is None
    assert [note.part for note in found.unknown] == ["canaries"]
    assert found.unknown[0].sentence == (
        "there is no canaries.safetensors, so nothing says what spec, pixels, ids and vectors were"
    )
    flip_a_bit(read(own), "logit_scale")
    assert check(own).fields == ("logit_scale",)
    folder = copied("openclip")
    (folder / CANARIES).unlink()
    assert [note.part for note in check(folder).unknown] == ["tensors", "tokenizer", "canaries"]


def test_damaged_canaries_are_a_finding(own: Path) -> None:
    path = own / CANARIES
    path.write_bytes(path.read_bytes()[:-1])
    found = check(own)
    assert found.fields == (CANARIES,)
    assert "cut short" in found.differing[0].sentence


def test_a_bare_file_is_checked_beside_its_canaries(own: Path, tmp_path: Path) -> None:
    from sightline.checkpoints import convert

    convert(read(own), tmp_path / "bare", "openai")
    path = tmp_path / "bare" / "model.pt"
    write_canaries(path)
    assert check(path).is_itself is True
    flip_a_bit(read(path), "text.final_norm.weight")
    assert check(path).fields[0] == "text.final_norm.weight"


def test_a_file_that_does_not_say_what_it_is_needs_a_name(tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "x.safetensors", {"a": np.zeros(3, np.float32)})
    with pytest.raises(CheckpointError, match="name it, as in architecture="):
        check(path)
    with pytest.raises(CheckpointError, match="unknown architecture 'ViT-Z'"):
        check(path, architecture="ViT-Z")


def test_the_record_that_was_spoilt_here_is_what_is_read(own: Path) -> None:
    """Control of the tests above: an edited record does change the model."""
    before = open_words(read(own).spec.words).rows(["a"]).ids
    edit_json(own / "sightline.json", "spec.words.pad_id", 7)
    assert not np.array_equal(open_words(read(own).spec.words).rows(["a"]).ids, before)
    assert json.loads((own / "sightline.json").read_bytes())["spec"]["words"]["pad_id"] == 7
    assert read_canaries(own / CANARIES).said.spec["words"]["pad_id"] == 0
