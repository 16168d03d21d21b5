"""What `check` says of all that no pixel, id or vector shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.verify import check
from sightline.verify.beside import beside
from tiny_canaries import edit_json, edit_said, set_in

Copied = Callable[[str], Path]
# What transformers opens in a folder of ours, and we do not.
UNREAD: dict[str, tuple[str, Callable[[Path], object]]] = {
    "activation": (
        "config.json",
        lambda path: edit_json(path, "vision_config.hidden_act", "gelu"),
    ),
    "mean": ("preprocessor_config.json", lambda path: edit_json(path, "image_mean", [0, 0, 0])),
    "pad": ("tokenizer_config.json", lambda path: edit_json(path, "pad_token", "a")),
    "a merge": (
        "tokenizer.json",
        lambda path: path.write_bytes(path.read_bytes().replace(b'"in"', b'"iq"', 1)),
    ),
    "no tokenizer": ("tokenizer.json", Path.unlink),
    "another processor": ("processor_config.json", lambda path: path.write_text("{}")),
    "an adapter": ("adapter_config.json", lambda path: path.write_text("{}")),
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_file_that_only_transformers_reads_is_named(own: Path, name: str) -> None:
    file, spoil = UNREAD[name]
    spoil(own / file)
    found = check(own)
    assert (found.is_itself, found.fields) == (False, (file,))


@pytest.mark.parametrize("layout", ["huggingface", "openclip"])
def test_an_edit_that_changes_no_field_is_named_by_its_file(copied: Copied, layout: str) -> None:
    file = {"huggingface": "config.json", "openclip": "open_clip_config.json"}[layout]
    folder = copied(layout)
    (folder / file).write_bytes((folder / file).read_bytes() + b"\n")
    assert check(folder).fields == (file,)


@pytest.mark.parametrize(
    ("field", "value"),
    [("license", "MIT"), ("origin", "elsewhere"), ("training_data", ["everything"])],
)
def test_another_origin_or_licence_is_named(own: Path, field: str, value: object) -> None:
    edit_json(own / "sightline.json", field, value)
    assert check(own).fields == (field,)


def test_a_record_that_is_gone_is_named(own: Path) -> None:
    """The folder still opens, as transformers would open it."""
    (own / "sightline.json").unlink()
    found = check(own)
    assert found.layout == "huggingface"
    assert "sightline.json" in found.fields


def test_a_card_may_be_edited_and_is_said_to_be(own: Path) -> None:
    card = own / "README.md"
    card.write_text(card.read_text(encoding="utf-8") + "Used at the museum.\n", encoding="utf-8")
    found = check(own)
    assert found.is_itself is True
    assert found.notes[-1].sentence == (
        "small files that are what they were: 5; README.md has been edited, as people may"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("words.template", "{} at night"),
        ("head.logit_scale", 1.5),
        ("image.position_resized", "antialias"),
    ],
)
def test_what_no_vector_shows_is_named_by_the_fingerprint_alone(
    own: Path, field: str, value: object
) -> None:
    """Both copies of the spec were edited, and the record of files with them."""
    edit_json(own / "sightline.json", f"spec.{field}", value)

    def change(said: dict[str, Any]) -> None:
        set_in(said["spec"], field, value)
        said["files"] = beside(own)

    edit_said(own, change)
    found = check(own)
    assert found.fields == (field,)
    assert [note.part for note in found.differing] == ["fingerprint"]


def test_a_text_of_any_length_is_cut_where_it_is_shown(own: Path) -> None:
    edit_json(own / "sightline.json", "spec.words.template", "{}" + "x" * (3 * 10**6))
    (note, _) = check(own).differing
    assert note.fields == ("words.template",)
    assert len(note.sentence) < 500
