"""Recipes as people write them, and every way in which one is refused."""

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline import checkpoints
from sightline.errors import CheckpointError, DataError, SpecError
from sightline.train.losses import LOSSES
from sightline.train.recipe import LossName, Recipe
from sightline.train.recipe_file import read_recipe, recipe_from_json, recipe_to_json
from tiny_training import as_toml, recipe_tree, stage, write_recipe

SETS = Path("sets")
ROOT = Path(__file__).parents[2]
RECIPES, BUNDLED = ROOT / "recipes", ROOT / "src/sightline/bundled"


def refused(tree: dict[str, Any]) -> str:
    with pytest.raises(DataError) as caught:
        recipe_from_json(tree)
    return str(caught.value)


def test_a_recipe_survives_its_record() -> None:
    recipe = recipe_from_json(recipe_tree(SETS))
    record = json.loads(msgspec.json.encode(recipe_to_json(recipe)))
    assert recipe_from_json(record) == recipe


def test_a_recipe_is_read_from_toml_with_overrides(tmp_path: Path) -> None:
    file = write_recipe(tmp_path / "r.toml", recipe_tree(SETS))
    assert read_recipe(file) == recipe_from_json(recipe_tree(SETS))
    changed = read_recipe(
        file, ["seed=7", "stages.1.lr=2e-3", "optimizer.beta2=0.9", "license=CC0-1.0", "ema=0"]
    )
    assert (changed.seed, changed.stages[1].lr, changed.optimizer.beta2) == (7, 2e-3, 0.9)
    assert (changed.license, changed.ema) == ("CC0-1.0", 0)


@given(field=st.sampled_from(["seed", "save_every", "threads"]), value=st.integers(1, 10**6))
@settings(max_examples=20, deadline=None)
def test_an_override_changes_its_field_and_no_other(field: str, value: int) -> None:
    tree = recipe_tree(SETS)
    file = Path("r.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_text", lambda self, encoding: as_toml(tree))
        changed = read_recipe(file, [f"{field}={value}"])
    assert changed == msgspec.structs.replace(recipe_from_json(tree), **{field: value})


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("seed", "override 'seed' is not key=value: write it like seed=2"),
        ("=2", "override '=2' is not key=value: write it like seed=2"),
        ("stages..lr=2", "override 'stages..lr=2' is not key=value: write it like seed=2"),
        ("stages.9.lr=2", "override 'stages.9.lr=2' leads nowhere: there is no '9' there"),
        ("stages.lr=2", "override 'stages.lr=2' leads nowhere: there is no 'lr' there"),
        ("ema.x=2", "override 'ema.x=2' leads nowhere: there is no 'x' there"),
    ],
)
def test_an_override_that_cannot_be_is_refused(
    tmp_path: Path, override: str, sentence: str
) -> None:
    file = write_recipe(tmp_path / "r.toml", recipe_tree(SETS))
    with pytest.raises(DataError) as caught:
        read_recipe(file, [override])
    assert str(caught.value) == sentence


def test_an_unknown_key_names_the_nearest() -> None:
    tree = recipe_tree(SETS, stages=[stage("a", warmap=3)])
    assert refused(tree) == (
        "the recipe does not fit: Object contains unknown field `warmap` - at `$.stages[0]` "
        "(did you mean 'warmup'?)"
    )


def test_an_unknown_loss_names_the_nearest() -> None:
    tree = recipe_tree(SETS, stages=[stage("a", losses={"contrst": 1.0})])
    assert refused(tree) == (
        "the recipe does not fit: Invalid enum value 'contrst' - at `key` in "
        "`$.stages[0].losses` (did you mean 'contrast'?)"
    )


def test_an_unknown_key_of_the_spec_is_refused() -> None:
    tree = recipe_tree(SETS)
    tree["spec"]["embed_dims"] = 3
    with pytest.raises(SpecError, match="embed_dim"):
        recipe_from_json(tree)


def test_every_loss_that_a_recipe_can_name_is_written() -> None:
    assert set(LOSSES) == set(LossName.__args__)  # type: ignore[attr-defined]


def test_a_recipe_without_a_spec_is_refused() -> None:
    assert refused({"name": "x"}) == (
        "the recipe has no [spec] table: describe the model there, or give init a model folder"
    )


def test_a_recipe_that_begins_from_a_model_has_its_spec(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    stages = [stage("s")]
    tree = recipe_tree(SETS, init=str(tiny_model_folder), vocabulary=0, stages=stages)
    del tree["spec"]
    recipe = read_recipe(write_recipe(tmp_path / "r.toml", tree))
    assert recipe.spec == checkpoints.read(tiny_model_folder).spec
    assert recipe_from_json(recipe_to_json(recipe)) == recipe
    changed = read_recipe(tmp_path / "r.toml", ["spec.words.template=a {}", "seed=3"])
    assert (changed.spec.words.template, changed.seed) == ("a {}", 3)
    with pytest.raises(DataError, match=r"no \[spec\] table"):
        read_recipe(tmp_path / "r.toml", ["init="])
    with pytest.raises(CheckpointError, match="nowhere"):
        read_recipe(tmp_path / "r.toml", [f"init={tmp_path / 'nowhere'}"])


@pytest.mark.parametrize("name", ["bundled.toml", "bundled-on.toml", "bundled-words.toml"])
def test_the_recipes_of_the_bundled_model_hold(name: str) -> None:
    """A later one begins from what an earlier one made, in whose place the bundled model stands."""
    tree = tomllib.loads((RECIPES / name).read_text(encoding="utf-8"))
    begins = {"init": str(BUNDLED)} if "init" in tree else {}
    recipe = read_recipe(RECIPES / name, [f"{key}={value}" for key, value in begins.items()])
    assert recipe.spec == checkpoints.read(BUNDLED).spec
    assert {part.name for part in recipe.sources} >= {"tiny-imagenet", "cifar10", "flickr8k"}


def test_a_file_that_is_not_toml_or_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    with pytest.raises(DataError) as caught:
        read_recipe(file)
    assert str(caught.value) == (
        f"recipe {file} cannot be read (No such file or directory): check it"
    )
    file.write_text("name = ")
    with pytest.raises(DataError, match=r"is not TOML \(.+\): mend it there$"):
        read_recipe(file)


def test_steps_and_examples_are_counted_over_the_stages() -> None:
    recipe: Recipe = recipe_from_json(recipe_tree(SETS))
    assert recipe.steps == 12
    assert [recipe.examples_after(done) for done in (0, 3, 4, 11, 12, 20)] == [96, 72, 64, 8, 0, 0]
    assert [recipe.stage_at(step)[::2] for step in (0, 3, 4, 11)] == [
        (0, 0),
        (0, 3),
        (1, 0),
        (2, 3),
    ]
