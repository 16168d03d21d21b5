"""One tokenizer.json that needs no recipe: the same rows, whoever opens it."""

from pathlib import Path

import msgspec
import pytest
from tokenizers import Tokenizer

from sightline.checkpoints import Checkpoint, read
from sightline.errors import CheckpointError
from sightline.export import words
from sightline.export.words import CLEANINGS, PLAIN, rows_of, whole_tokenizer
from sightline.spec import open_words
from sightline.spec.clean import Cleaning, cleaner

TEXTS = (*PLAIN, "a party 🎉 at 10:45", "  white\tspace\u00a0 ", "CAFE\u0301", "!", "", "ﬁne Ⅷ")


def rows(checkpoint: Checkpoint, texts: tuple[str, ...]) -> list[list[int]]:
    """Return the rows of the model itself."""
    own = open_words(checkpoint.spec.words, checkpoint.folder)
    found: list[list[int]] = own.rows(texts, long="cut").ids.tolist()
    return found


@pytest.mark.parametrize("which", ["bundled", "CLIP's"])
def test_texts_have_the_rows_of_the_model(which: str, tiny_model_folder: Path) -> None:
    checkpoint = read() if which == "bundled" else read(tiny_model_folder)
    texts = tuple(text for text in TEXTS if "ﬁ" not in text)  # which ftfy would mend
    assert rows_of(whole_tokenizer(checkpoint), texts) == rows(checkpoint, texts)


def test_control_what_ftfy_mends_has_another_row() -> None:
    made = whole_tokenizer(read())
    assert rows_of(made, ["fish &amp; chips"]) != rows(read(), ("fish &amp; chips",))


@pytest.mark.parametrize("clean", CLEANINGS)
def test_every_cleaning_is_said_as_it_is_done(clean: Cleaning) -> None:
    document = msgspec.json.decode((read().folder / "tokenizer.json").read_bytes())
    document["normalizer"] = {"type": "Sequence", "normalizers": CLEANINGS[clean]}
    normalizer = Tokenizer.from_buffer(msgspec.json.encode(document)).normalizer
    for text in PLAIN:
        assert normalizer.normalize_str(text) == cleaner(clean)(text)


def test_a_tokenizer_that_cannot_be_said_so_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(words, "CLEANINGS", dict.fromkeys(CLEANINGS, ()))
    with pytest.raises(CheckpointError) as caught:
        whole_tokenizer(read())
    assert str(caught.value) == (
        f"the tokenizer of {read().folder} cannot be said in one file, 'A photo of a Cat' would "
        "get other ids: export class vectors (--labels)"
    )
