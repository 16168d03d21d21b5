"""What a training run is, as frozen data read from TOML. Enter at `read_recipe`."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from sightline.errors import DataError
from sightline.spec.document import spec_from_json
from sightline.spec.towers import Spec

Reads = Literal["labels", "captions"]
Towers = Literal["text", "image", "both"]


class SourcePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source of examples and its share of every batch."""

    uri: str | list[str]
    name: str
    share: float  # of each batch, relative to the other sources
    reads: Reads  # labels: against all class names; captions: against the batch's other captions
    terms: str  # licence or terms, repeated in the model's record


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch of steps in which the same towers learn at the same size."""

    name: str
    steps: int
    towers: Towers  # a tower that is not named is locked (Zhai et al., LiT, arXiv 2111.07991)
    batch: int  # images a step; in a text stage, groups of captions or names
    lr: float
    lr_end: float  # reached along a cosine
    warmup: int  # steps of linear warm-up from 0
    size_px: int | None = None  # None: the spec's; smaller is quicker and fine early on
    text_lr: float = 1.0  # the text tower's rate, relative to lr
    losses: dict[str, float]  # name in `losses.LOSSES` → weight
    smoothing: float = 0.0  # label smoothing of the class losses
    patch_dropout: float = 0.0  # share of patches left out (Li et al., FLIP, arXiv 2212.00794)


class Optimizer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AdamW (Loshchilov and Hutter, arXiv 1711.05101)."""

    weight_decay: float = 0.05  # not on biases, norms, positions, temperatures
    beta1: float = 0.9
    beta2: float = 0.98
    eps: float = 1e-6
    clip_norm: float = 1.0


class Augment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Random views of a picture."""

    store_px: int = 72  # each picture is decoded once and kept at this edge
    crop: tuple[float, float] = (0.5, 1.0)  # share of an edge
    aspect: float = 0.2  # largest logarithm of the stretch
    flip: bool = True
    brightness: float = 0.3
    contrast: float = 0.3
    grey: float = 0.05  # share of pictures shown without colour
    erase: float = 0.0  # share of pictures that lose a rectangle (arXiv 1708.04896)


class Relations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How close names are to each other by a published model's text vectors: a teacher."""

    file: str  # .npz
    names: str  # array of names in it
    vectors: str  # array of vectors in it
    source: str  # said in the model's record


class Evaluation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the live model is measured on, and how often."""

    every: int
    uris: list[str]
    select: str = ""  # metric whose best model is kept, as "set/metric"; "": the last is kept


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole run; saved beside its results as it was resolved."""

    name: str
    spec: Spec
    sources: list[SourcePart]
    stages: list[Stage]
    vocabulary: int = 0  # ids of a vocabulary learnt from the captions; 0: CLIP's
    init: str = ""  # a model folder to begin from; "": drawn at random
    templates: list[str] = msgspec.field(default_factory=lambda: ["{}", "a photo of a {}."])
    relations: Relations | None = None
    optimizer: Optimizer = Optimizer()
    augment: Augment = Augment()
    ema: float = 0.0  # decay of the averaged weights, which are what is kept; 0: none
    evaluation: Evaluation | None = None
    save_every: int = 500
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    threads: int = 0  # 0: all
    license: str = "unknown"

    @property
    def steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> tuple[int, Stage, int]:
        """Return the number of the stage that step (from 0) is in, the stage, the step in it."""
        for number, stage in enumerate(self.stages):
            if step < stage.steps:
                return number, stage, step
            step -= stage.steps
        raise DataError(f"step {step} is after the end of the recipe's stages")


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, with `key=value` overrides such as `seed=2` or `stages.0.lr=1e-3`.

    Raises:
        DataError: It is not TOML, a key is unknown, a value has the wrong type.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"recipe {path} cannot be read ({error.strerror}): check it") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"recipe {path} is not TOML: {error}") from error
    for override in overrides:
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
        raise DataError("the recipe has no [spec] table: describe the model there")
    spec_from_json({"version": 1, **spec})
    try:
        recipe = msgspec.convert(tree, Recipe)
    except msgspec.ValidationError as error:
        raise DataError(f"the recipe does not fit: {error}{_nearest(str(error))}") from error
    _check(recipe)
    return recipe


def _nearest(message: str) -> str:
    """Name the known key that an unknown one may have been meant as."""
    unknown = re.search(r"unknown field `(.+?)`", message)
    if unknown is None:
        return ""
    structs = (Recipe, SourcePart, Stage, Optimizer, Augment, Relations, Evaluation)
    known = sorted({name for struct in structs for name in struct.__struct_fields__})
    close = difflib.get_close_matches(unknown[1], known, n=1, cutoff=0.0)
    return f" (did you mean {close[0]!r}?)"


def _override(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise DataError(f"override {override!r} is not key=value: write it like seed=2")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    place: Any = tree
    *parents, last = key.split(".")
    for parent in parents:
        place = _child(place, parent, override)
    if isinstance(place, list):
        _child(place, last, override)
        place[int(last)] = value
    else:
        place[last] = value


def _child(place: Any, key: str, override: str) -> Any:
    if isinstance(place, list) and key.isdigit() and int(key) < len(place):
        return place[int(key)]
    if isinstance(place, dict):
        return place.setdefault(key, {})
    raise DataError(f"override {override!r} leads nowhere: there is no {key!r} there")


def _check(recipe: Recipe) -> None:
    """Refuse what would only fail hours later."""
    if not recipe.sources or not recipe.stages:
        raise DataError("the recipe needs at least one [[sources]] and one [[stages]]")
    names = [part.name for part in recipe.sources]
    if len(set(names)) != len(names):
        raise DataError(f"two sources of the recipe share a name: {names}")
    for stage in recipe.stages:
        if stage.steps < 1 or stage.batch < 2 or stage.lr <= 0 or stage.warmup < 0:
            raise DataError(
                f"stage {stage.name!r} needs steps ≥ 1, batch ≥ 2, lr > 0 and warmup ≥ 0"
            )
        if not 0 <= stage.patch_dropout < 1:
            raise DataError(f"stage {stage.name!r} has patch_dropout outside 0 to 1")
    for template in recipe.templates:
        if template.count("{}") != 1:
            raise DataError(f"template {template!r} needs exactly one {{}}: add it")
    if not 0 <= recipe.ema < 1:
        raise DataError(f"ema is {recipe.ema}: give 0 (none) or a decay below 1")
