"""A recipe from TOML, with overrides, and from a run's own record. Enter at `read_recipe`."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec

from sightline import checkpoints
from sightline.errors import DataError
from sightline.spec import Spec
from sightline.spec.document import spec_from_json, spec_to_json
from sightline.train.recipe import (
    Augment,
    Evaluation,
    LossName,
    Optimizer,
    Recipe,
    Relations,
    SourcePart,
    Stage,
)
from sightline.train.recipe_checks import check_recipe


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, with `key=value` overrides such as `seed=2` or `stages.0.lr=1e-3`.

    One that begins from a model and has no [spec] goes on with the model's.

    Raises:
        DataError: It is not TOML, a key is unknown, a value has the wrong type.
        CheckpointError: The model that it begins from cannot be read.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"recipe {path} cannot be read ({error.strerror}): check it") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"recipe {path} is not TOML ({error}): mend it there") from error
    begins = [override for override in overrides if override.startswith("init=")]
    for override in begins:
        _override(tree, override)
    if "spec" not in tree and tree.get("init"):
        tree["spec"] = _spec_table(checkpoints.read(str(tree["init"])).spec)
    for override in overrides:
        if override not in begins:
            _override(tree, override)
    return recipe_from_json(tree)


def recipe_from_json(tree: Mapping[str, Any]) -> Recipe:
    """Read a recipe from plain values, strictly.

    Raises:
        DataError: A key is unknown (the message names the nearest), missing or of the wrong type.
        SpecError: The [spec] table does not describe a model.
    """
    spec = tree.get("spec")
    if not isinstance(spec, dict):
        raise DataError(
            "the recipe has no [spec] table: describe the model there, or give init a model folder"
        )
    spec_from_json({"version": 1, **spec})
    try:
        recipe = msgspec.convert(tree, Recipe)
    except msgspec.ValidationError as error:
        raise DataError(f"the recipe does not fit: {error}{_nearest(str(error))}") from error
    check_recipe(recipe)
    return recipe


def recipe_to_json(recipe: Recipe) -> dict[str, object]:
    """Return a recipe as plain values that `recipe_from_json` reads back."""
    tree: dict[str, object] = msgspec.to_builtins(recipe)
    return tree | {"spec": _spec_table(recipe.spec)}


def _spec_table(spec: Spec) -> dict[str, object]:
    return {key: value for key, value in spec_to_json(spec).items() if key != "version"}


def _nearest(message: str) -> str:
    """Name the known word that an unknown one may have been meant as."""
    structs = (Recipe, SourcePart, Stage, Optimizer, Augment, Relations, Evaluation)
    unknown = re.search(r"unknown field `(.+?)`", message)
    known = sorted({name for struct in structs for name in struct.__struct_fields__})
    if unknown is None:
        unknown = re.search(r"enum value '(.+?)' - at `key` in `.+[.]losses`", message)
        known = sorted(get_args(LossName))
    if unknown is None:
        return ""
    close = difflib.get_close_matches(unknown[1], known, n=1, cutoff=0.0)
    return f" (did you mean {close[0]!r}?)"


def _override(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        raise DataError(f"override {override!r} is not key=value: write it like seed=2")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    place: Any = tree
    *parents, last = key.split(".")
    for parent in parents:
        place = _child(place, parent, override)
    if isinstance(place, dict):
        place[last] = value
    else:
        _child(place, last, override)  # refuses what is no item of a list
        place[int(last)] = value


def _child(place: Any, key: str, override: str) -> Any:
    if isinstance(place, list) and key.isdecimal() and int(key) < len(place):
        return place[int(key)]
    if isinstance(place, dict):
        return place.setdefault(key, {})
    raise DataError(f"override {override!r} leads nowhere: there is no {key!r} there")
