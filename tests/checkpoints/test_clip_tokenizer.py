"""CLIP's own tokenizer is known in all its forms, and nothing else is taken for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from changed_tokenizers import (
    BEFORE_4_17,
    BYTES,
    END,
    FOUR,
    ROBERTA,
    SPLIT,
    START,
    word,
    write_clip_tokenizer,
    write_two_files,
)
from published_models import write_json
from sightline.checkpoints.huggingface import huggingface_words
from sightline.checkpoints.tokenizer_facts import tokenizer_facts
from sightline.errors import CheckpointError
from sightline.spec.byte_pairs import written_vocabulary
from sightline.spec.words import open_words

TOKEN = {"content": START, "lstrip": False, "normalized": True, "rstrip": False}
GENERIC = {"tokenizer_class": "PreTrainedTokenizerFast"}
CASED = {"type": "Sequence", "normalizers": [{"type": "NFC"}]}
ENDED = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": END}}],
    "special_tokens": {END: {"id": END, "ids": [49407], "tokens": [END]}},
}
TEXTS = ["a photo of <sks> dog", "hello! [PAD] DOG", "two dogs on it's", "<SKS> new york dog"]


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        tokenizer_facts(folder)
    return str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        FOUR,
        BEFORE_4_17,
        {"post_processor": ROBERTA},
        {"config": {"extra_special_tokens": {}, "backend": "tokenizers"}},
        {"config": {"extra_special_tokens": [], "additional_special_tokens": [START]}},
        {"config": {"bos_token": TOKEN, "added_tokens_decoder": {"49406": TOKEN}}},
        {"config": {"add_prefix_space": False, "errors": "replace", "do_lower_case": True}},
        {"config": GENERIC},
        {"config": {"tokenizer_class": None}},
    ],
    ids=str,
)
def test_clip_s_own_is_known_in_every_published_form(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    facts = tokenizer_facts(write_clip_tokenizer(tmp_path, **changes))
    assert (facts.clip, facts.pad_id, facts.unlike_clip) == (True, 49407, ())
    assert huggingface_words(facts, 77, "{}").clean == "openai"


def test_merges_may_be_written_as_they_once_were(tmp_path: Path) -> None:
    model = {"merges": written_vocabulary()[1]}
    assert tokenizer_facts(write_clip_tokenizer(tmp_path, model=model)).clip


def test_words_may_be_listed_in_any_order(tmp_path: Path) -> None:
    ids = written_vocabulary()[0] | {START: 49406, END: 49407}
    mixed = {word: ids[word] for word in sorted(ids)}
    assert tokenizer_facts(write_clip_tokenizer(tmp_path, model={"vocab": mixed})).clip


def test_a_pad_of_its_words_may_be_listed_as_special(tmp_path: Path) -> None:
    config = {"pad_token": "!", "added_tokens_decoder": {"0": {"content": "!"}}}
    facts = tokenizer_facts(
        write_clip_tokenizer(tmp_path, word("!", 0, special=True), config=config)
    )
    assert (facts.clip, facts.pad_id) == (True, 0)


def test_a_file_that_its_class_has_to_cut_for_is_not_followed_by_itself(tmp_path: Path) -> None:
    assert tokenizer_facts(write_clip_tokenizer(tmp_path, **BEFORE_4_17)).file is None
    facts = tokenizer_facts(write_clip_tokenizer(tmp_path, **BEFORE_4_17, config=GENERIC))
    assert (facts.clip, facts.start_id) == (False, None)  # a control: no class writes its marks


def test_words_added_to_such_a_file_are_refused(tmp_path: Path) -> None:
    found = refusal(write_clip_tokenizer(tmp_path, word("<sks>"), **BEFORE_4_17))
    assert "has another pre_tokenizer and another post_processor than CLIPTokenizer" in found


def exchanged() -> dict[str, int]:
    """Return CLIP's vocabulary with two words in each other's place."""
    ids = written_vocabulary()[0] | {START: 49406, END: 49407}
    return ids | {"cat</w>": ids["dog</w>"], "dog</w>": ids["cat</w>"]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"vocab": exchanged()}}, "another id for 'dog</w>'"),
        ({"model": {"byte_fallback": True}}, "another model"),
        ({"model": {"ignore_merges": True}}, "another model"),
        ({"model": {"end_of_word_suffix": None}}, "another model"),
        ({"normalizer": CASED}, "another normalizer"),
        ({"normalizer": None}, "another normalizer"),
        ({"pre_tokenizer": SPLIT}, "another pre_tokenizer"),
        ({"pre_tokenizer": BYTES, "post_processor": ROBERTA}, "another pre_tokenizer"),
        ({"post_processor": ENDED}, "another post_processor"),
        ({"post_processor": None}, "another post_processor"),
    ],
)
def test_anything_else_is_what_its_file_says(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    facts = tokenizer_facts(write_clip_tokenizer(tmp_path, config=GENERIC, **changes))
    assert (facts.clip, facts.file) == (False, tmp_path / "tokenizer.json")
    assert facts.unlike_clip == (said,)


def test_an_exchanged_word_has_its_id(tmp_path: Path) -> None:
    folder = write_clip_tokenizer(tmp_path, model={"vocab": exchanged()})
    words = huggingface_words(tokenizer_facts(folder), 77, "{}")
    assert open_words(words, folder).encode("cat") == [49406, exchanged()["cat</w>"], 49407]


@pytest.mark.parametrize(
    ("added", "config"),
    [
        ([word("<sks>", normalized=False)], {}),
        ([word("<sks>"), word("dog", 49409)], {}),
        ([word("dog", single_word=True)], {}),
        ([word("<SKS>")], {}),
        ([word("<SKS>", normalized=False)], {}),
        ([word("[PAD]", special=True, normalized=False)], {"pad_token": "[PAD]"}),
    ],
    ids=str,
)
def test_added_words_have_the_ids_that_transformers_gives_them(
    added: list[dict[str, Any]], config: dict[str, Any], tmp_path: Path
) -> None:
    from transformers import CLIPTokenizer

    folder = write_clip_tokenizer(tmp_path, *added, config=config)
    theirs = CLIPTokenizer.from_pretrained(folder)
    words = huggingface_words(tokenizer_facts(folder), 16, "{}")
    texts = [text for text in TEXTS if words.pad_id == 49407 or "[PAD]" not in text]
    said = theirs(texts, padding="max_length", max_length=16)["input_ids"]
    assert open_words(words, folder).rows(texts).ids.tolist() == said
    plain = open_words(words, write_clip_tokenizer(tmp_path / "plain")) if not config else None
    # A control: without the word the ids are others.
    assert plain is None or plain.rows(texts).ids.tolist() != said


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"normalizer": CASED}, "another normalizer"),
        ({"post_processor": ENDED, "pre_tokenizer": None}, "pre_tokenizer and another post_"),
    ],
)
def test_a_file_and_a_class_with_other_rules_are_refused(
    rules: dict[str, Any], said: str, tmp_path: Path
) -> None:
    found = refusal(write_clip_tokenizer(tmp_path, **rules))
    assert found.startswith(f"{tmp_path / 'tokenizer.json'} has another ")
    assert said in found
    assert found.endswith(
        " than CLIPTokenizer, the class that tokenizer_config.json names, and libraries follow the "
        "one or the other: correct whichever is wrong"
    )


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (
            word("<sks>", special=True),
            "adds the special word '<sks>' to CLIP's, and special words are not looked for in "
            "texts here: add it as an ordinary one (special: false)",
        ),
        (
            word("&lt;sks&gt;", normalized=False),
            "adds the word '&lt;sks&gt;' to CLIP's, which no cleaned text can have: add it as "
            "'<sks>'",
        ),
    ],
)
def test_a_word_that_would_not_be_found_is_refused(
    added: dict[str, Any], said: str, tmp_path: Path
) -> None:
    folder = write_clip_tokenizer(tmp_path, added)
    assert refusal(folder) == f"{folder / 'tokenizer.json'} {said}"


BESIDE: list[tuple[str, dict[str, Any]]] = [
    ("added_tokens.json", {"<sks>": 49408}),
    ("tokenizer_config.json", {"added_tokens_decoder": {"49408": {"content": "<sks>"}}}),
    ("tokenizer_config.json", {"additional_special_tokens": ["<sks>"]}),
    ("tokenizer_config.json", {"extra_special_tokens": {"image_token": "<sks>"}}),
    ("special_tokens_map.json", {"mask_token": {"content": "<sks>"}}),
]


@pytest.mark.parametrize(("name", "document"), BESIDE)
@pytest.mark.parametrize("write", [write_clip_tokenizer, write_two_files])
def test_a_word_that_another_file_adds_is_refused(
    write: Any, name: str, document: dict[str, Any], tmp_path: Path
) -> None:
    folder = write(tmp_path)
    path = folder / name
    write_json(path, (json.loads(path.read_text()) if path.exists() else {}) | document)
    assert refusal(folder) == (
        f"{path} adds the word '<sks>' to CLIP's, which the vocabulary beside it lacks: save the "
        "tokenizer with a transformers that writes tokenizer.json, and give the model that"
    )


@pytest.mark.parametrize("write", [write_clip_tokenizer, write_two_files])
def test_other_marks_are_refused(write: Any, tmp_path: Path) -> None:
    config = {"bos_token": END, "eos_token": END}
    folder = write(tmp_path, config=config) if write is write_clip_tokenizer else None
    folder = folder or write_two_files(tmp_path, **config)
    assert refusal(folder) == (
        f"{folder / 'tokenizer_config.json'} has the bos_token '{END}' where CLIP's is '{START}': "
        "correct whichever is wrong"
    )


def test_an_exchanged_word_of_two_files_is_refused(tmp_path: Path) -> None:
    folder = write_two_files(tmp_path)
    assert tokenizer_facts(folder).clip
    write_json(folder / "vocab.json", exchanged())
    assert refusal(folder) == (
        f"{folder / 'vocab.json'} gives 'dog</w>' the id 2368, which is not CLIP's, and there is "
        "no tokenizer.json: save its tokenizer with a transformers that writes one"
    )


def test_a_word_too_many_and_one_too_few_are_others(tmp_path: Path) -> None:
    folder = write_two_files(tmp_path)
    ids = json.loads((folder / "vocab.json").read_text())
    write_json(folder / "vocab.json", ids | {"zebras</w>": 49408})
    assert "gives 'zebras</w>' the id 49408" in refusal(folder)
    del ids["cat</w>"]
    write_json(folder / "vocab.json", ids)
    assert "gives 'cat</w>' the id None" in refusal(folder)


def test_a_cased_tokenizer_is_not_cleaned_by_guess(tmp_path: Path) -> None:
    facts = tokenizer_facts(write_clip_tokenizer(tmp_path, normalizer=CASED, config=GENERIC))
    with pytest.raises(ValueError, match="tokenizer") as caught:
        huggingface_words(facts, 77, "{}")
    assert str(caught.value) == (
        "tokenizer.json has CLIP's merges with another normalizer, and the tokenizer_class "
        "'PreTrainedTokenizerFast' does not say how texts are cleaned: use a checkpoint that does"
    )
