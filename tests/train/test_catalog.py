"""The words of a run, read from real shards."""

from pathlib import Path
from typing import Any

import pytest

from sightline.errors import DataError
from sightline.train.catalog import Catalog, open_parts, survey
from tiny_training import COLOURS, recipe_tree, stage, tiny_recipe, write_sets

WORDS = [stage("s", losses={"contrast": 1.0, "words": 0.5})]


def surveyed(sets: Path, broader: dict[str, list[str]], **changes: Any) -> Catalog:
    sources = recipe_tree(sets)["sources"]
    sources[0]["broader"] = broader
    recipe = tiny_recipe(sets, sources=sources, **changes)
    return survey(recipe, open_parts(recipe.sources))


def test_words_are_those_of_captions_and_the_broader_names(tmp_path: Path) -> None:
    write_sets(tmp_path, count=48)
    catalog = surveyed(tmp_path, {"colourful": ["red", "blue"], "wall": ["grey"]}, stages=WORDS)
    assert catalog.book.counts["colourful"] == 24
    assert catalog.book.counts["wall"] == 10 + 12  # of captions, of labels
    assert catalog.book.counts["red"] == 12
    assert "the" not in catalog.book.counts
    assert "wall" in set(catalog.prompts(["{}"]))
    assert set(COLOURS) <= set(catalog.prompts(["{}"]))


def test_words_are_only_counted_for_a_stage_that_learns_them(tmp_path: Path) -> None:
    write_sets(tmp_path, count=48)
    assert surveyed(tmp_path, {}).book.counts == {}


def test_what_the_words_loss_lacks_is_said_before_the_first_step(tmp_path: Path) -> None:
    write_sets(tmp_path, count=8)
    with pytest.raises(DataError, match=r"learns words, and no word is in the captions of 10 "):
        surveyed(tmp_path, {}, stages=WORDS)
    for stages in (WORDS, [stage("s")]):
        with pytest.raises(DataError) as caught:
            surveyed(tmp_path, {"warm": ["red", "pink"]}, stages=stages)
        assert str(caught.value) == (
            "source 'colours' has the broader name 'warm' for 'pink', which is none of its labels: "
            "take it out of the list"
        )
