import importlib
import re
import string
import subprocess
import sys
import unicodedata
from itertools import product
from types import ModuleType, SimpleNamespace
from typing import Any

import ftfy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, normalizers

from reference_tokenizer import module, texts
from sightline.spec import clean
from sightline.spec.clean import cleaner


def well_formed(text: str) -> str:
    """Leave out lone surrogates, and what this Python's Unicode does not know."""
    kept = (letter for letter in text if unicodedata.category(letter) not in ("Cs", "Cn"))
    return "".join(kept)


@settings(max_examples=300, deadline=None)
@given(text=texts())
def test_openai_cleans_like_the_reference(text: str) -> None:
    assert clean.openai(text) == module()._clean_lower(text)


@settings(max_examples=300, deadline=None)
@given(text=texts())
def test_canonical_space_cleans_like_open_clip(text: str) -> None:
    assert clean.canonical_space(text) == module()._clean_canonicalize(text)


@pytest.fixture(scope="module")
def siglip() -> Any:
    """Return transformers' class; its file imports sentencepiece, which cleaning does not use."""
    importlib.import_module("transformers")  # looks for sentencepiece, and must not find ours
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "sentencepiece", ModuleType("sentencepiece"))
        file = importlib.import_module("transformers.models.siglip.tokenization_siglip")
    return file.SiglipTokenizer


@settings(max_examples=300, deadline=None)
@given(text=texts())
def test_canonical_delete_cleans_like_transformers(siglip: Any, text: str) -> None:
    table = str.maketrans("", "", string.punctuation)
    tokenizer = SimpleNamespace(
        do_lower_case=True, remove_punctuation=lambda part: part.translate(table)
    )
    assert clean.canonical_delete(text) == siglip.canonicalize_text(tokenizer, text)


@settings(max_examples=300, deadline=None)
@given(text=texts())
def test_nfc_lower_cleans_like_transformers(text: str) -> None:
    published = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    text = well_formed(text)
    assert clean.nfc_lower(text) == published.normalize_str(text).strip(" ")


def test_lower_is_the_tokenizers_library_s_on_every_code_point() -> None:
    published = normalizers.Lowercase()
    for start in range(0, 0x110000, 0x1000):
        block = well_formed("".join(map(chr, range(start, start + 0x1000))))
        assert clean.lower(block) == published.normalize_str(block)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("openai", "it's a_cat & οδος!"),
        ("nfc_lower", "it’s a_cat &amp;amp; οδοσ!"),
        ("canonical_space", "its a cat οδος"),
        ("canonical_delete", "it’s acat ampamp οδος"),
        ("lower", " it’s  a_cat &amp;amp; οδοσ! "),
        ("none", " It’s  A_cat &amp;amp; ΟΔΟΣ! "),
    ],
)
def test_each_cleaning_differs_on_one_caption(name: clean.Cleaning, cleaned: str) -> None:
    assert cleaner(name)(" It’s  A_cat &amp;amp; ΟΔΟΣ! ") == cleaned


def test_no_pair_of_ascii_characters_skips_ftfy_wrongly() -> None:
    skipped = 0
    for pair in map("".join, product(map(chr, range(128)), repeat=2)):
        if clean._NOTHING_TO_MEND.fullmatch(pair):
            assert ftfy.fix_text(pair).split() == pair.split()
            skipped += 1
    assert skipped == (94 + 4) ** 2  # what prints, less "&", and four kinds of white space


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from(string.printable.replace("&", "")), max_size=60))
def test_no_ascii_text_skips_ftfy_wrongly(text: str) -> None:
    assert clean.openai(text) == module()._clean_lower(text)


def test_control_a_vertical_tab_does_not_skip_ftfy() -> None:
    assert clean.openai("a\x0bb") == "ab"  # ftfy deletes it, str.split would part the word
    assert re.sub(r"\s+", " ", "a\x0bb") == "a b"


def test_ftfy_is_imported_for_the_first_text_that_needs_it() -> None:
    script = (
        "import sys; from sightline.spec.clean import openai; openai('a plain caption <b>');"
        "print('ftfy' in sys.modules, 'html' in sys.modules); openai('café');"
        "print('ftfy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False", "True"]
