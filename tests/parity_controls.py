"""Specs wrong in one field, and weights read wrongly. Enter at `wrong_specs` and `spoils`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import torch

from sightline.model import CLIP
from sightline.spec import Spec
from sightline.spec.pixels import PixelRecipe
from sightline.spec.towers import PatchStem, TextTransformer, ViT
from sightline.spec.words import TextRecipe

replace = msgspec.structs.replace
ACTIVATIONS = ("quick_gelu", "gelu", "gelu_tanh")
ALIKE = {"gelu", "gelu_tanh"}
FINE = ("activation", "norm_eps")


def wrong_specs(spec: Spec, precision: str) -> dict[str, Spec]:
    """Return specs that fit the same tensors and say something else: one field each.

    Without what a precision cannot tell from its own rounding: the exact GELU and its tanh form
    are 4.7e-4 apart at most, less than half precision has where they return about one; and another
    activation or eps moves what these networks say by 1 %, which is two roundings of bfloat16.
    """
    found = {}
    for side in ("image", "text"):
        tower = getattr(spec, side)
        for field, value in _wrong(tower):
            if precision != "float32" and {value, getattr(tower, field)} == ALIKE:
                continue
            if precision == "bfloat16" and field in FINE:
                continue
            name = f"{side}.{field} = {value}"
            found[name] = replace(spec, **{side: replace(tower, **{field: value})})
    return found


def _wrong(tower: Any) -> Iterator[tuple[str, Any]]:
    """Yield field and wrong value of all that changes no tensor."""
    yield "heads", tower.heads * 2
    if isinstance(tower, ViT | TextTransformer):
        yield from (("activation", one) for one in ACTIVATIONS if one != tower.activation)
        yield "norm_eps", 1e-6 if tower.norm_eps == 1e-5 else 1e-5
    if isinstance(tower, TextTransformer):
        yield "causal", not tower.causal
        # The highest id and the first end id are the same in what a tokenizer writes.
        marked = ("highest_id", "end_token")
        others = [one for one in ("last", "first", "mean", "end_token") if one != tower.pool]
        yield from (("pool", one) for one in others if not {one, tower.pool} <= {*marked})
    if isinstance(tower, ViT) and tower.class_token:
        yield "pool", "mean" if tower.pool == "class_token" else "class_token"
    if isinstance(tower, ViT) and tower.pool != "class_token":  # one token is normed either way
        yield "final_norm", "after_pool" if tower.final_norm == "before_pool" else "before_pool"


def other_shapes(spec: Spec) -> dict[str, Spec]:
    """Return specs that ask for other tensors: those are refused before anything is computed."""
    image, text = spec.image, spec.text
    found: dict[str, Spec] = {
        "text.layers": replace(spec, text=replace(text, layers=text.layers + 1)),
        "text.mlp_width": replace(spec, text=replace(text, mlp_width=text.mlp_width + 8)),
        "text.vocab_size": replace(spec, text=replace(text, vocab_size=text.vocab_size + 1)),
        "words.context_length": replace(spec, words=replace(spec.words, context_length=15)),
        "image.layers": replace(spec, image=replace(image, layers=_more(image.layers))),
    }
    if text.projection == "matrix":
        biased = replace(text, projection="matrix_and_bias")
        found["text.projection"] = replace(spec, text=biased)
    else:
        found["text.projection"] = replace(spec, text=replace(text, projection="matrix"))
    if isinstance(image, ViT):
        assert isinstance(image.stem, PatchStem)
        stem = replace(image.stem, bias=not image.stem.bias)
        changes: Mapping[str, Any] = {
            "pre_norm": not image.pre_norm,
            "mlp_width": image.mlp_width + 8,
            "stem": stem,
            "position": "none",
        }
        for field, value in changes.items():
            found[f"image.{field}"] = replace(spec, image=replace(image, **{field: value}))
        if image.pool != "class_token":
            token = replace(image, class_token=not image.class_token)
            found["image.class_token"] = replace(spec, image=token)
    return found


def _more(layers: int | Sequence[int]) -> int | tuple[int, ...]:
    return layers + 1 if isinstance(layers, int) else (*layers[:-1], layers[-1] + 1)


def wrong_pixels(recipe: PixelRecipe) -> list[PixelRecipe]:
    """Return recipes wrong in one field each; where nothing is cropped, no rounding is wrong."""
    found = [
        replace(recipe, filter="bilinear" if recipe.filter == "bicubic" else "bicubic"),
        replace(recipe, resize="squash" if recipe.resize == "shortest" else "shortest"),
        replace(recipe, mean=(0.4, 0.4, 0.4)),
        replace(recipe, std=(0.4, 0.4, 0.4)),
    ]
    if recipe.resize == "shortest":
        other = "floor" if recipe.crop_rounding == "half_even" else "half_even"
        found.append(replace(recipe, crop_rounding=other))
    return found


def wrong_words(recipe: TextRecipe) -> list[TextRecipe]:
    """Return recipes wrong in one mark each."""
    start = None if recipe.start_id is not None else 4
    changes: dict[str, Any] = {"pad_id": 2, "end_id": 3, "start_id": start, "context_length": 15}
    return [replace(recipe, **{field: value}) for field, value in changes.items()]


def spoils(spec: Spec) -> dict[str, Callable[[CLIP], None]]:
    """Return what a reader of weights could get wrong without any shape noticing."""
    found: dict[str, Callable[[CLIP], None]] = {
        "text: queries for keys": lambda model: _swap(model.text.blocks),
        "text: positions one on": lambda model: _roll(model.text.positions, 1),
    }
    if isinstance(spec.image, ViT):
        found |= {
            "image: queries for keys": lambda model: _swap(model.image.blocks),
            "image: patches read in columns": _columns,
            "image: red for blue": _colours,
            "image: patch order in columns": _order,
        }
    if spec.embed_dim == spec.text.width and spec.text.projection == "matrix":
        found["text: projection not turned"] = _unturned
    return found


def _set(tensor: Any, value: Any) -> None:
    """Give a parameter other numbers; those that it had may be the mapped file's own."""
    tensor.data = value.detach().clone()


def _roll(tensor: Any, by: int) -> None:
    _set(tensor, tensor.roll(by, 0))


def _swap(blocks: Any) -> None:
    """Exchange the maps of queries and keys."""
    for block in blocks:
        block.attention.query, block.attention.key = block.attention.key, block.attention.query


def _unturned(model: Any) -> None:
    weight = model.text.projection.weight
    _set(weight, weight.T)


def _colours(model: Any) -> None:
    weight = model.image.stem.conv.weight
    _set(weight, weight.flip(1))


def _columns(model: Any) -> None:
    weight = model.image.stem.conv.weight
    _set(weight, weight.transpose(2, 3))


def _order(model: Any) -> None:
    """Exchange rows and columns of the grid of positions."""
    spec, positions = model.image.spec, model.image.positions
    extra = int(spec.class_token)
    grid = positions[extra:].unflatten(0, (spec.grid, spec.grid)).transpose(0, 1).flatten(0, 1)
    _set(positions, torch.cat([positions[:extra], grid]))
