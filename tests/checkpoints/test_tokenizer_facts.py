"""What a folder says of its tokenizer, whichever of its files says it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from published_models import write_json, write_siglip_tokenizer
from sightline.checkpoints.tokenizer_facts import TokenizerFacts, tokenizer_facts
from sightline.checkpoints.tokenizer_files import tokenizer_files
from sightline.errors import CheckpointError
from sightline.spec.architectures import CLIP_WORDS


def write_clip(folder: Path, **changes: Any) -> Path:
    """Write CLIP's tokenizer with keys of its tokenizer.json changed."""
    for name, contents in tokenizer_files(CLIP_WORDS, None).items():
        (folder / name).write_bytes(contents)
    path = folder / "tokenizer.json"
    write_json(path, json.loads(path.read_text()) | changes)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        tokenizer_facts(folder)
    return str(caught.value)


def test_clip_s_own_vocabulary_is_known_by_its_merges(tmp_path: Path) -> None:
    assert tokenizer_facts(write_clip(tmp_path)) == TokenizerFacts(
        file=tmp_path / "tokenizer.json",
        clip=True,
        kind="CLIPTokenizer",
        start_id=49406,
        end_id=49407,
        pad_id=49407,
        ids=49408,
    )


def test_clip_s_own_pads_with_its_end_where_a_folder_says_nothing(tmp_path: Path) -> None:
    write_clip(tmp_path, padding=None)
    (tmp_path / "tokenizer_config.json").unlink()
    facts = tokenizer_facts(tmp_path)
    assert (facts.clip, facts.kind, facts.pad_id) == (True, None, 49407)


def test_control_a_pad_that_is_named_and_not_there_is_not_replaced(tmp_path: Path) -> None:
    write_clip(tmp_path, padding=None)
    write_json(tmp_path / "tokenizer_config.json", {"pad_token": "no such"})
    assert tokenizer_facts(tmp_path).pad_id is None


def test_control_another_merge_is_another_vocabulary(tmp_path: Path) -> None:
    model = json.loads((write_clip(tmp_path) / "tokenizer.json").read_text())["model"]
    model["merges"][0], model["merges"][1] = model["merges"][1], model["merges"][0]
    facts = tokenizer_facts(write_clip(tmp_path, model=model))
    assert (facts.file, facts.clip) == (tmp_path / "tokenizer.json", False)
    assert (facts.start_id, facts.end_id) == (49406, 49407)  # asked of the file itself


def test_the_two_files_of_older_folders_are_read(tmp_path: Path) -> None:
    model = json.loads((write_clip(tmp_path) / "tokenizer.json").read_text())["model"]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    write_json(tmp_path / "vocab.json", model["vocab"])
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    pad = {"content": "<|endoftext|>", "lstrip": False}
    write_json(tmp_path / "special_tokens_map.json", {"pad_token": pad})
    facts = tokenizer_facts(tmp_path)
    assert (facts.file, facts.clip, facts.kind, facts.pad_id) == (None, True, None, 49407)
    (tmp_path / "merges.txt").write_text("a b\n")
    assert refusal(tmp_path) == (
        f"{tmp_path} has another vocabulary than CLIP's and no tokenizer.json: save its tokenizer "
        "with a transformers that writes one"
    )


def test_marks_are_asked_of_the_tokenizer(tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path)
    assert tokenizer_facts(tmp_path) == TokenizerFacts(
        file=tmp_path / "tokenizer.json",
        clip=False,
        kind="SiglipTokenizer",
        start_id=None,
        end_id=0,
        pad_id=0,
        ids=12,
    )


@pytest.mark.parametrize(
    ("template", "marks"),
    [("$A", (None, None)), ("</s> $A", (0, None)), ("</s> $A <unk>", (0, 1))],
)
def test_marks_may_stand_on_either_side(
    template: str, marks: tuple[int | None, int | None], tmp_path: Path
) -> None:
    write_siglip_tokenizer(tmp_path)
    remark(tmp_path, template)
    facts = tokenizer_facts(tmp_path)
    assert (facts.start_id, facts.end_id) == marks


def remark(folder: Path, template: str) -> None:
    """Change what a tokenizer writes around a text."""
    path = str(folder / "tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    marks = [("</s>", 0), ("<unk>", 1)]
    tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=marks)
    tokenizer.save(path)


def write_config(folder: Path, **said: object) -> Path:
    path = folder / "tokenizer_config.json"
    write_json(path, {"tokenizer_class": "GemmaTokenizer", "padding_side": "right"} | said)
    return path


@pytest.mark.parametrize(
    ("template", "said", "key", "there"),
    [
        ("$A </s>", {"add_eos_token": False}, "add_eos_token false", "the id 0"),
        ("$A", {"add_eos_token": True, "eos_token": "</s>"}, "add_eos_token true", "no id"),
        ("$A </s>", {"add_bos_token": True, "bos_token": "<unk>"}, "add_bos_token true", "no id"),
        ("$A </s>", {"add_bos_token": True}, "add_bos_token true", "no id"),
        ("<unk> $A", {"add_bos_token": False}, "add_bos_token false", "the id 1"),
        (
            "<unk> $A",
            {"add_bos_token": True, "bos_token": "</s>"},
            "add_bos_token true",
            "the id 1",
        ),
    ],
)
def test_a_config_that_contradicts_the_file_about_marks_is_refused(
    template: str, said: dict[str, object], key: str, there: str, tmp_path: Path
) -> None:
    write_siglip_tokenizer(tmp_path)
    remark(tmp_path, template)
    path = write_config(tmp_path, **said)
    assert refusal(tmp_path) == (
        f"{path} has {key} and tokenizer.json writes {there} there: correct whichever is wrong"
    )


def test_control_a_config_may_say_the_same_of_marks(tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path)
    remark(tmp_path, "<unk> $A </s>")
    both = {"add_bos_token": True, "add_eos_token": True}
    write_config(tmp_path, bos_token="<unk>", eos_token="</s>", **both)
    facts = tokenizer_facts(tmp_path)
    assert (facts.start_id, facts.end_id) == (1, 0)
    remark(tmp_path, "$A </s>")
    write_config(tmp_path, add_bos_token=False, add_eos_token=True, eos_token={"content": "</s>"})
    facts = tokenizer_facts(tmp_path)
    assert (facts.start_id, facts.end_id) == (None, 0)


@pytest.mark.parametrize(
    ("key", "verb", "done"), [("padding", "pads", "padded"), ("truncation", "cuts", "cut")]
)
def test_rows_that_are_filled_or_cut_on_the_left_are_refused(
    key: str, verb: str, done: str, tmp_path: Path
) -> None:
    write_siglip_tokenizer(tmp_path)
    path, file = write_config(tmp_path, **{f"{key}_side": "left"}), tmp_path / "tokenizer.json"
    said = f"{verb} on the left: only texts that are {done} on the right are read here"
    assert refusal(tmp_path) == f"{path} {said}"
    write_json(file, json.loads(file.read_text()) | {key: {"direction": "Left"}})
    write_config(tmp_path, **{f"{key}_side": "right"})  # which wins in transformers
    assert tokenizer_facts(tmp_path).end_id == 0
    write_config(tmp_path, padding_side=None)
    assert refusal(tmp_path) == f"{file} {said}"


@pytest.mark.parametrize("kind", ["GemmaTokenizer", "Siglip2Tokenizer", "SiglipTokenizer"])
def test_a_class_that_pads_on_the_left_by_itself_is_remarked(kind: str, tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path, kind=kind)
    remarks = (
        f"tokenizer_config.json has no padding_side, and {kind} of transformers then pads on the "
        "left; rows are padded on the right here, as such models were trained",
    )
    assert tokenizer_facts(tmp_path).remarks == (() if kind == "SiglipTokenizer" else remarks)
    write_config(tmp_path, tokenizer_class=kind)
    assert tokenizer_facts(tmp_path).remarks == ()


def test_two_marks_on_one_side_are_refused(tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path)
    remark(tmp_path, "$A </s> <unk>")
    assert refusal(tmp_path).endswith("only one mark before a text and one after it are read here")


def test_a_pad_may_be_named_in_the_tokenizer_itself(tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.enable_padding(pad_id=1, pad_token="<unk>")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").unlink()
    facts = tokenizer_facts(tmp_path)
    assert (facts.kind, facts.pad_id, facts.end_id) == (None, 1, 0)


def test_a_folder_without_a_tokenizer_is_asked_for_one(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        f"{tmp_path} has no tokenizer.json, so nothing says how its texts become ids: put the "
        "tokenizer that the model was trained with beside its weights"
    )


def test_a_sentencepiece_model_alone_is_asked_to_be_written_anew(tmp_path: Path) -> None:
    (tmp_path / "spiece.model").write_bytes(b"x")
    assert refusal(tmp_path) == (
        f"{tmp_path} has a spiece.model and no tokenizer.json: with transformers 5 and "
        f"sentencepiece, write it by T5Tokenizer.from_pretrained('{tmp_path}', extra_ids=0)"
        f".backend_tokenizer.save('{tmp_path}/tokenizer.json')"
    )


@pytest.mark.parametrize("contents", ['{"model": 3}', '{"version": "1.0"}'])
def test_a_tokenizer_that_is_none_is_refused(contents: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(contents)
    assert refusal(tmp_path).startswith(f"{tmp_path / 'tokenizer.json'} ")
