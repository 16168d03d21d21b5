"""The tokenizer that we write for transformers gives the ids that we give."""

from pathlib import Path

import msgspec
import pytest
from transformers import AutoTokenizer, CLIPTokenizer

from changed_tokenizers import word, write_clip_tokenizer
from published_models import write_json, write_siglip_tokenizer
from sightline.checkpoints.huggingface import huggingface_words
from sightline.checkpoints.tokenizer_facts import tokenizer_facts
from sightline.checkpoints.tokenizer_files import carried_files, tokenizer_files
from sightline.spec.architectures import CLIP_WORDS, SIGLIP_WORDS
from sightline.spec.byte_pairs import written_vocabulary
from sightline.spec.words import open_words

TEXTS = [
    "a photo of a cat",
    "",
    "A Big DOG, it's 42% off!",
    "naïve café crème 北京 😀",
    "the   quick\tbrown\nfox",
    "!!! ... don't we'll they've",
]


def written(folder: Path) -> Path:
    for name, contents in tokenizer_files(CLIP_WORDS, None).items():
        (folder / name).write_bytes(contents)
    return folder


def test_transformers_reads_clip_s_rows_as_ours(tmp_path: Path) -> None:
    theirs = CLIPTokenizer.from_pretrained(written(tmp_path))
    said = theirs(TEXTS, padding="max_length", truncation=True)["input_ids"]
    ours = open_words(msgspec.structs.replace(CLIP_WORDS, pad_id=49407)).rows(TEXTS)
    assert said == ours.ids.tolist()


def test_control_padding_with_an_exclamation_mark_takes_it_out_of_texts(tmp_path: Path) -> None:
    theirs = CLIPTokenizer.from_pretrained(written(tmp_path), pad_token="!")
    assert theirs("stop !")["input_ids"] != open_words(CLIP_WORDS).encode("stop !")


def test_control_a_text_that_needs_ftfy_differs(tmp_path: Path) -> None:
    theirs = CLIPTokenizer.from_pretrained(written(tmp_path))
    broken = "cafÃ© &amp; bar"
    assert theirs(broken)["input_ids"] != open_words(CLIP_WORDS).encode(broken)


def test_the_vocabulary_has_every_id_once() -> None:
    vocabulary, merges = written_vocabulary()
    assert sorted(vocabulary.values()) == list(range(49406))
    assert len(merges) == 48894


def test_a_model_s_own_tokenizer_comes_along_as_it_is(tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path)
    made = tokenizer_files(SIGLIP_WORDS, tmp_path / "tokenizer.json")
    assert {name: (tmp_path / name).read_bytes() for name in made} == made


@pytest.mark.parametrize("kind", ["T5TokenizerFast", "TokenizersBackend", None])
def test_a_class_that_says_nothing_of_cleaning_is_replaced(
    kind: str | None, tmp_path: Path
) -> None:
    write_siglip_tokenizer(tmp_path)
    file, beside = tmp_path / "tokenizer.json", tmp_path / "tokenizer_config.json"
    said = {"tokenizer_class": kind, "extra_ids": 0, "add_eos_token": True, "eos_token": "</s>"}
    write_json(beside, said)
    words = msgspec.structs.replace(SIGLIP_WORDS, end_id=0, pad_id=0)
    before = (file.read_bytes(), beside.read_bytes())
    made = tokenizer_files(words, file)
    beside.write_bytes(made["tokenizer_config.json"])
    again = huggingface_words(tokenizer_facts(tmp_path), 64, words.template)
    assert again == msgspec.structs.replace(words, clean="canonical_delete")
    assert made["tokenizer.json"] == before[0]
    beside.write_bytes(before[1])  # OpenCLIP cleans by itself, and keeps the class
    assert tuple(carried_files(words, file).values()) == before


def test_an_added_word_comes_along(tmp_path: Path) -> None:
    file = write_clip_tokenizer(tmp_path, word("<sks>")) / "tokenizer.json"
    words = huggingface_words(tokenizer_facts(tmp_path), 77, "{}")
    made = tokenizer_files(words, file)
    assert {name: (tmp_path / name).read_bytes() for name in made} == made
    assert open_words(words, tmp_path).encode("<sks>") == [49406, 49408, 49407]


def test_a_config_is_made_where_there_was_none(tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    words = msgspec.structs.replace(SIGLIP_WORDS, end_id=0, pad_id=0, clean="lower")
    made = tokenizer_files(words, tmp_path / "tokenizer.json")
    config = msgspec.json.decode(made["tokenizer_config.json"])
    assert config == {
        "tokenizer_class": "Siglip2Tokenizer",
        "pad_token": "</s>",
        "eos_token": "</s>",
        "padding_side": "right",
        "model_max_length": 64,
    }


def test_transformers_finds_the_class_by_itself(tmp_path: Path) -> None:
    assert type(AutoTokenizer.from_pretrained(written(tmp_path))) is CLIPTokenizer
