"""What a resumed recipe may change, and who may work in a run folder."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sightline.errors import DataError, TrainingError
from sightline.train.claim import check_continuation, only_one, read_begun, write_begun
from sightline.train.recipe import Evaluation, Optimizer, Recipe
from tiny_training import tiny_recipe

RECIPE = tiny_recipe(Path("sets"))


def changed_stage(number: int, **changes: Any) -> Recipe:
    stages = list(RECIPE.stages)
    stages[number] = replace(stages[number], **changes)
    return replace(RECIPE, stages=stages)


@pytest.mark.parametrize(
    ("steps", "recipe"),
    [
        (9, replace(RECIPE, threads=2, save_every=7, evaluation=Evaluation(every=3, uris=["x"]))),
        (4, changed_stage(1, lr=1.0)),  # at the end of the first stage the next has not begun
        (8, changed_stage(2, steps=99)),
        (8, replace(RECIPE, stages=RECIPE.stages[:2])),
        (12, replace(RECIPE, stages=[*RECIPE.stages, replace(RECIPE.stages[2], name="more")])),
        (0, changed_stage(0, lr=1.0)),
        (9, changed_stage(1, micro_batch=4)),
    ],
)
def test_what_is_to_come_may_change(steps: int, recipe: Recipe) -> None:
    check_continuation(RECIPE, recipe, steps)


@pytest.mark.parametrize(
    ("steps", "recipe", "sentence"),
    [
        (
            5,
            changed_stage(1, lr=1.0),
            "stage 'image' has begun and its lr 0.003 is 1.0 in this recipe: set it back, or begin "
            "a new run in another folder",
        ),
        (
            5,
            changed_stage(1, micro_batch=4, lr=1.0),
            "stage 'image' has begun and its lr 0.003 is 1.0 in this recipe: set it back, or begin "
            "a new run in another folder",
        ),
        (
            9,
            replace(RECIPE, stages=RECIPE.stages[:2]),
            "stage 'both' has begun and is left out in this recipe: set it back, or begin a new "
            "run in another folder",
        ),
        (
            0,
            replace(RECIPE, seed=3),
            "the run was begun with another seed: set it back to 0, or begin a new run in another "
            "folder",
        ),
        (
            0,
            replace(RECIPE, optimizer=Optimizer(beta2=0.5)),
            "the run was begun with another optimizer: set it back to beta2 = 0.98, or begin a new "
            "run in another folder",
        ),
    ],
)
def test_what_was_used_may_not_change(steps: int, recipe: Recipe, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        check_continuation(RECIPE, recipe, steps)
    assert str(caught.value) == sentence


def test_the_recipe_of_a_run_is_read_back(tmp_path: Path) -> None:
    assert read_begun(tmp_path) is None
    write_begun(tmp_path, RECIPE)
    assert read_begun(tmp_path) == RECIPE


def test_a_damaged_recipe_of_a_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text("{")
    with pytest.raises(TrainingError) as caught:
        read_begun(tmp_path)
    assert str(caught.value) == (
        f"the recipe of the run, {tmp_path / 'recipe.json'}, cannot be read (Input data was "
        "truncated): begin anew in another folder"
    )


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sightline.train.claim import only_one\n"
        "with only_one(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(TrainingError) as caught, only_one(tmp_path):
            pass
        other.communicate()
    assert str(caught.value) == (
        f"another process is training in {tmp_path}: wait for it, or choose another folder"
    )
    with only_one(tmp_path):  # it is free again
        pass
