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
        file=None, kind="CLIPTokenizer", start_id=49406, end_id=49407, pad_id=49407
    )


def test_clip_s_own_pads_with_its_end_where_a_folder_says_nothing(tmp_path: Path) -> None:
    write_clip(tmp_path, padding=None)
    (tmp_path / "tokenizer_config.json").unlink()
    facts = tokenizer_facts(tmp_path)
    assert (facts.file, facts.kind, facts.pad_id) == (None, None, 49407)


def test_control_a_pad_that_is_named_and_not_there_is_not_replaced(tmp_path: Path) -> None:
    write_clip(tmp_path, padding=None)
    write_json(tmp_path / "tokenizer_config.json", {"pad_token": "no such"})
    assert tokenizer_facts(tmp_path).pad_id is None


def test_control_another_merge_is_another_vocabulary(tmp_path: Path) -> None:
    model = json.loads((write_clip(tmp_path) / "tokenizer.json").read_text())["model"]
    model["merges"][0], model["merges"][1] = model["merges"][1], model["merges"][0]
    facts = tokenizer_facts(write_clip(tmp_path, model=model))
    assert facts.file == tmp_path / "tokenizer.json"
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
    assert (facts.file, facts.kind, facts.pad_id) == (None, None, 49407)
    (tmp_path / "merges.txt").write_text("a b\n")
    assert refusal(tmp_path) == (
        f"{tmp_path} has another vocabulary than CLIP's and no tokenizer.json: save its tokenizer "
        "with a transformers that writes one"
    )


def test_marks_are_asked_of_the_tokenizer(tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path)
    assert tokenizer_facts(tmp_path) == TokenizerFacts(
        file=tmp_path / "tokenizer.json",
        kind="SiglipTokenizer",
        start_id=None,
        end_id=0,
        pad_id=0,
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


def test_a_config_that_says_which_marks_are_written_wins(tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path, kind="GemmaTokenizer")
    remark(tmp_path, "<unk> $A")  # what the file by itself would do
    said: dict[str, object] = {"tokenizer_class": "GemmaTokenizer"}
    said |= {"pad_token": "<unk>", "eos_token": "</s>"}
    write_json(tmp_path / "tokenizer_config.json", said)
    before = tokenizer_facts(tmp_path)
    assert (before.start_id, before.end_id) == (1, None)
    said |= {"add_bos_token": False, "add_eos_token": True}
    write_json(tmp_path / "tokenizer_config.json", said)
    facts = tokenizer_facts(tmp_path)
    assert (facts.start_id, facts.end_id, facts.pad_id) == (None, 0, 1)


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


@pytest.mark.parametrize("contents", ['{"model": 3}', '{"version": "1.0"}'])
def test_a_tokenizer_that_is_none_is_refused(contents: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(contents)
    assert refusal(tmp_path).startswith(f"{tmp_path / 'tokenizer.json'} ")
