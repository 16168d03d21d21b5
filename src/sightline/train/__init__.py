"""Objectives, recipes and the loop that makes a model. Enter at `pretrain`; needs torch."""

from importlib.util import find_spec

from sightline.errors import RuntimeUnavailable

if find_spec("torch") is None:
    raise RuntimeUnavailable("training needs torch, which is an extra: install sightline[train]")

from sightline.train.pretraining import Trained, pretrain
from sightline.train.recipe import Recipe
from sightline.train.recipe_file import read_recipe

__all__ = ["Recipe", "Trained", "pretrain", "read_recipe"]
