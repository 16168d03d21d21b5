import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings

from reference_tokenizer import ODD, reference, reference_without_special_words, texts
from sightline.errors import SpecError
from sightline.spec import byte_pairs
from sightline.spec.byte_pairs import MERGES_FILE, BytePairs
from sightline.spec.clean import openai

CLIP = BytePairs()


def test_the_merges_file_is_openai_s() -> None:
    digest = hashlib.sha256(MERGES_FILE.read_bytes()).hexdigest()
    assert digest == "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
    assert CLIP.digest == digest


@settings(max_examples=600, deadline=None)
@given(text=texts())
@example("".join(ODD))
@example(" ".join(ODD))
def test_ids_are_the_reference_s_on_any_text(text: str) -> None:
    cleaned = openai(text)
    assert CLIP.ids(cleaned) == reference_without_special_words().encode(text)


@settings(max_examples=300, deadline=None)
@given(text=texts())
def test_the_units_ids_together_are_the_text_s(text: str) -> None:
    whole = text.encode("utf-8", "replace").decode()  # not cleaned: any white space, any case
    apart = [token_id for unit in CLIP.units(whole) for token_id in CLIP.ids(unit)]
    assert apart == CLIP.ids(whole)


def test_ten_kilobytes_without_a_space_are_the_reference_s() -> None:
    for text in ("aaaaab" * 1700, "lorem中文ipsumé👍" * 500, "!?" * 5000, "7" * 10_000):
        assert CLIP.ids(text) == reference_without_special_words().encode(text)


@pytest.mark.parametrize("word", ["<|startoftext|>", "<|endoftext|>", "<start_of_text>"])
def test_special_words_in_a_text_are_text(word: str) -> None:
    ids = CLIP.ids(word)
    assert not {49406, 49407}.intersection(ids)
    assert CLIP.text(ids).replace(" ", "") == word


def test_control_the_reference_as_published_lets_a_text_end_itself() -> None:
    assert 49407 in reference().encode("a cat <end_of_text>")
    assert 49406 in reference().encode("<START_OF_TEXT>")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"'s|[^\W\d_]+|\d|[^\s\w]+", "²x"),  # re's own classes
        (r"'s|[a-z]+|[0-9]|[^\sa-z0-9]+", "café"),  # ASCII only
    ],
)
def test_control_simpler_patterns_give_other_ids(pattern: str, text: str) -> None:
    simpler = BytePairs()
    vars(simpler)["_pieces"] = re.compile(pattern)
    assert simpler.ids(text) != reference().encode(text)


def test_an_id_is_greater_than_the_two_it_is_merged_from() -> None:
    assert len(CLIP._pairs) == 48894
    assert all(max(pair) < token_id for pair, token_id in CLIP._pairs.items())


def test_every_id_is_spelt_as_in_the_reference() -> None:
    for token_id in range(49406):
        assert CLIP.text([token_id]) == reference().decode([token_id]).strip()


def test_the_vocabulary_ends_where_clip_s_does() -> None:
    assert [CLIP.has(token_id) for token_id in (-1, 0, 49407, 49408)] == [False, True, True, False]


def test_a_damaged_merges_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "merges.gz"
    damaged.write_bytes(MERGES_FILE.read_bytes()[:-1])
    monkeypatch.setattr(byte_pairs, "MERGES_FILE", damaged)
    with pytest.raises(SpecError) as caught:
        BytePairs().ids("a cat")
    assert str(caught.value) == "merges.gz is not CLIP's merges file: install sightline again"
