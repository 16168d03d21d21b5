"""Objectives, recipes and the loop that makes a model. Enter at `pretrain`."""

from sightline.train.pretraining import pretrain
from sightline.train.recipe import Recipe, read_recipe

__all__ = ["Recipe", "pretrain", "read_recipe"]
