"""What would only fail hours later is refused at the start."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from sightline.errors import DataError
from sightline.spec.towers import Sigmoid
from sightline.train.recipe_file import recipe_from_json
from tiny_specs import RESNET, VIT, tiny_spec
from tiny_training import recipe_tree, stage, training_spec

LABELS = [{"name": "a", "uri": "a.tar", "share": 1.0, "reads": "labels", "terms": "none"}]
CAPTIONS = [LABELS[0] | {"reads": "captions"}]
WORDS = training_spec().words


def one_stage(**changes: Any) -> dict[str, Any]:
    return {"stages": [stage("s", **changes)]}


CASES: list[tuple[dict[str, Any], str]] = [
    ({"stages": []}, "the recipe needs at least one [[sources]] and one [[stages]]"),
    ({"sources": LABELS * 2}, "two of the recipe's sources share the name 'a': rename one"),
    ({"stages": [stage("s")] * 2}, "two of the recipe's stages share the name 's': rename one"),
    (
        {"sources": [LABELS[0] | {"name": "a.b"}]},
        "source 'a.b' needs a name without dots: rename it",
    ),
    (
        {"sources": [LABELS[0] | {"share": 0.0}]},
        "source 'a' has share 0.0: give a positive number",
    ),
    (
        one_stage(batch=1),
        "stage 's' has batch 1: steps ≥ 1, batch ≥ 2, lr > 0, lr_end, warmup and text_lr ≥ 0, "
        "smoothing and patch_dropout from 0 to below 1",
    ),
    (
        one_stage(micro_batch=0),
        "stage 's' has micro_batch 0: give a number from 1 to its batch, 8, or leave it out",
    ),
    (
        one_stage(micro_batch=9),
        "stage 's' has micro_batch 9: give a number from 1 to its batch, 8, or leave it out",
    ),
    (
        one_stage(micro_batch=4),
        "stage 's' has micro_batch 4, and the image tower's batch norms would see so many images "
        "instead of the whole batch: leave it out",
    ),
    (
        one_stage(micro_batch=1.5),
        "the recipe does not fit: Expected `int | null`, got `float` - at "
        "`$.stages[0].micro_batch`",
    ),
    (
        one_stage(steps=4, warmup=5),
        "stage 's' warms up for 5 steps and has 4: shorten its warmup, or give it more steps",
    ),
    (one_stage(losses={}), "stage 's' has no losses: name at least one"),
    (
        one_stage(losses={"contrast": 0.0}),
        "stage 's' weighs the contrast loss with 0.0: give a positive number, or leave the loss "
        "out",
    ),
    (
        one_stage(losses={"contrast": float("nan")}),
        "stage 's' weighs the contrast loss with nan: give a positive number, or leave the loss "
        "out",
    ),
    (
        one_stage(towers="text", losses={"contrast": 1.0, "class_head": 1.0}),
        "stage 's' locks the image tower, so class_head would teach nothing: leave it out of its "
        "losses",
    ),
    (
        one_stage(towers="image", losses={"contrast": 1.0, "paraphrase": 1.0}),
        "stage 's' locks the text tower, so paraphrase would teach nothing: leave it out of its "
        "losses",
    ),
    (
        one_stage(losses={"relations": 1.0}),
        "stage 's' has the relations loss and the recipe no [relations] table: add it or leave "
        "the loss out",
    ),
    (
        one_stage(losses={"all_words": 1.0})
        | {"spec": tiny_spec(VIT, words=WORDS, head=Sigmoid(logit_scale=1.0, logit_bias=-1.0))},
        "stage 's' has the all_words loss, which sets words against each other, and a sigmoid head "
        "judges each alone: take the words loss instead",
    ),
    (
        one_stage(losses={"class_head": 1.0}) | {"sources": CAPTIONS},
        "stage 's' has the class_head loss and no source is read by labels: leave the loss out",
    ),
    (
        one_stage(losses={"paraphrase": 1.0}) | {"sources": LABELS},
        "stage 's' has the paraphrase loss and no source is read by captions: leave the loss out",
    ),
    (
        one_stage(losses={"names_apart": 1.0}) | {"sources": CAPTIONS},
        "stage 's' has the names_apart loss and the recipe has no names, neither labels nor "
        "[relations]: leave the loss out",
    ),
    (
        one_stage(size_px=10),
        "stage 's' is at 10 px, which is not a multiple of the image tower's stride 8: change "
        "size_px",
    ),
    (
        one_stage(size_px=16) | {"spec": tiny_spec(VIT, words=WORDS)},
        "stage 's' is at 16 px and the image tower's positions are for 32 px: leave size_px out, "
        "or use a tower without positions",
    ),
    (
        one_stage(patch_dropout=0.5) | {"spec": tiny_spec(RESNET, words=WORDS)},
        "stage 's' has patch_dropout and a ResNet has no patches: leave it out",
    ),
    ({"templates": ["a {} {}"]}, "template 'a {} {}' needs exactly one {}: add it"),
    ({"templates": []}, "the recipe has no templates: give at least '{}'"),
    ({"ema": 1.0}, "ema is 1.0: give 0 (none) or a decay below 1"),
    ({"seed": -1}, "seed is -1: give 0 or more"),
    ({"save_every": 0}, "save_every is 0: give the steps between two states"),
    ({"threads": -1}, "threads is -1: give a number of threads, or 0 for all"),
    (
        {"evaluation": {"every": 0, "uris": []}},
        "evaluation.every is 0: give the steps between two evaluations",
    ),
    (
        one_stage(size_px=8) | {"evaluation": {"every": 1, "uris": ["a.tar"], "select": "a/acc1"}},
        "evaluation.select chooses among models at 16 px, the spec's own size, and no stage is at "
        "it: leave size_px out of the last one",
    ),
    (
        {"init": "some/model"},
        "the recipe has both vocabulary and init, and a model to begin from brings its own "
        "vocabulary: leave one out",
    ),
    (
        {"vocabulary": 0},
        "the spec's tokenizer is 'file' and vocabulary is 0: give a vocabulary size for 'file', "
        "and 0 otherwise",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), CASES, ids=range(len(CASES)))
def test_a_recipe_that_cannot_work_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        recipe_from_json(recipe_tree(Path("sets"), **changes))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("table", "values", "begins"),
    [
        ("optimizer", {"beta2": 1.0}, "the optimizer's numbers are out of range ("),
        ("augment", {"crop": [0.9, 0.5]}, "the augmentation's numbers are out of range ("),
        ("augment", {"edges": 1.5}, "the augmentation's numbers are out of range ("),
    ],
)
def test_numbers_out_of_range_are_refused(table: str, values: dict[str, Any], begins: str) -> None:
    with pytest.raises(DataError) as caught:
        recipe_from_json(recipe_tree(Path("sets"), **{table: values}))
    assert str(caught.value).startswith(begins)


def test_a_text_stage_may_learn_towards_locked_images() -> None:
    tree = recipe_tree(Path("sets"), **one_stage(towers="text", size_px=8))
    assert msgspec.structs.asdict(recipe_from_json(tree).stages[0])["towers"] == "text"


def test_micro_batches_are_for_towers_whose_rows_do_not_see_each_other() -> None:
    plain = tiny_spec(VIT, words=WORDS)
    tree = recipe_tree(Path("sets"), spec=plain, **one_stage(micro_batch=8))
    assert recipe_from_json(tree).stages[0].micro_batch == 8
    for locked in ({"towers": "text"}, {"losses": {"paraphrase": 1.0}}):
        recipe_from_json(recipe_tree(Path("sets"), **one_stage(micro_batch=4, **locked)))
    normed = tiny_spec(RESNET, words=WORDS)
    with pytest.raises(DataError, match="batch norms would see so many images"):
        recipe_from_json(recipe_tree(Path("sets"), spec=normed, **one_stage(micro_batch=4)))
