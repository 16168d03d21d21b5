"""Marks around a text without running a stranger's tokenizer."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tokenizers import Tokenizer, models, processors

from published_models import write_json
from sightline.checkpoints.tokenizer_facts import tokenizer_facts
from sightline.checkpoints.tokenizer_marks import After, marks_of
from sightline.errors import CheckpointError

WORDS = {"<s>": 0, "</s>": 1, "a": 2, "[UNK]": 3}
MARKS = [("<s>", 0), ("</s>", 1)]
TEMPLATE = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=MARKS)
ENDED = processors.TemplateProcessing(single="$A </s>", special_tokens=MARKS)
BYTES = processors.ByteLevel(trim_offsets=False)


@pytest.mark.parametrize(
    "processor",
    [
        None,
        BYTES,
        TEMPLATE,
        ENDED,
        processors.TemplateProcessing(single="<s> $A", special_tokens=MARKS),
        processors.RobertaProcessing(("</s>", 1), ("<s>", 0)),
        processors.BertProcessing(("</s>", 1), ("<s>", 0)),
        processors.Sequence([BYTES, ENDED]),
    ],
)
def test_marks_are_those_that_the_library_writes(processor: Any) -> None:
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    if processor is not None:
        tokenizer.post_processor = processor
    said = msgspec.json.decode(tokenizer.to_str().encode())["post_processor"]
    start_id, end_id = marks_of(msgspec.convert(said, After | None))
    wanted = [one for one in (start_id, 2, end_id) if one is not None]
    assert tokenizer.encode("a").ids == wanted


def write(folder: Path, **changes: Any) -> Path:
    model = {"type": "WordLevel", "vocab": WORDS, "unk_token": "[UNK]"}
    write_json(folder / "tokenizer.json", {"added_tokens": [], "model": model} | changes)
    return folder


def template(*parts: dict[str, Any]) -> dict[str, Any]:
    marks = {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}
    return {"type": "TemplateProcessing", "single": parts, "special_tokens": marks}


A = {"Sequence": {"id": "A", "type_id": 0}}
LOST = {"SpecialToken": {"id": "<s>", "type_id": 0}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"post_processor": template(A, LOST)},
            "its template has a mark that its special_tokens lack: copy it again",
        ),
        ({"post_processor": template(A, A)}, "its template has 2 texts: one is read here"),
        ({"post_processor": {"type": "Shout"}}, "its post_processor 'Shout' is not read here"),
        (
            {"post_processor": {"type": "Sequence", "processors": [template(A)] * 10**5}},
            None,
        ),
        (
            {
                "post_processor": template(
                    A, {"SpecialToken": {"id": "</s>"}}, {"SpecialToken": {"id": "</s>"}}
                )
            },
            "it puts the ids [] before a text and [1, 1] after it: only one mark before a text",
        ),
    ],
)
def test_marks_that_no_row_can_have_are_a_sentence(
    changes: dict[str, Any], said: str | None, tmp_path: Path
) -> None:
    path = write(tmp_path, **changes) / "tokenizer.json"
    if said is None:  # a control: much of what does nothing is none of them
        assert tokenizer_facts(tmp_path).end_id is None
        return
    with pytest.raises(CheckpointError) as caught:
        tokenizer_facts(tmp_path)
    assert str(caught.value).startswith(f"{path} cannot be followed: {said}")


def test_a_pad_that_is_no_word_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"pad_token": {"content": [1]}})
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json says what is not read here"):
        tokenizer_facts(tmp_path)
