"""One run, one folder: what it holds, who may go on with it and with which recipe.

Enter at `only_one`, `read_begun` and `check_continuation`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from sightline.checkpoints.replacement import replace_file
from sightline.errors import DataError, SightlineError, TrainingError
from sightline.train.recipe import Recipe, Stage
from sightline.train.recipe_file import recipe_from_json, recipe_to_json

if sys.platform != "win32":
    import fcntl

RECIPE, LOCK = "recipe.json", ".lock"
FREE = frozenset(
    {"threads", "save_every", "evaluation", "compile"}
)  # they change no more than last bits


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a run folder against other processes for as long as the block lasts.

    Raises:
        TrainingError: Another process is at work in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":  # has no flock
        yield
        return
    # A file of its own: who replaces a folder in here locks the run folder itself for a moment.
    held = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(held, folder)
        yield
    finally:
        os.close(held)


def _lock(held: int, folder: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TrainingError(
            f"another process is training in {folder}: wait for it, or choose another folder"
        ) from error


def read_begun(folder: Path) -> Recipe | None:
    """Return the recipe that a run folder was begun with, or None where there is no run.

    Raises:
        TrainingError: The recipe in it cannot be read.
    """
    file = folder / RECIPE
    if not file.exists():
        return None
    try:
        return recipe_from_json(msgspec.json.decode(file.read_bytes()))
    except (OSError, msgspec.MsgspecError, SightlineError) as error:
        raise TrainingError(
            f"the recipe of the run, {file}, cannot be read ({error}): begin anew in another folder"
        ) from error


def write_begun(folder: Path, recipe: Recipe) -> None:
    """Write down the recipe of a run as it was resolved.

    As JSON: Python's library reads TOML and does not write it.
    """
    encoded = msgspec.json.encode(recipe_to_json(recipe))
    replace_file(folder / RECIPE, msgspec.json.format(encoded, indent=2))


def check_continuation(begun: Recipe, recipe: Recipe, steps_done: int) -> None:
    """Refuse a recipe that differs in what the run has already used.

    It may differ in `save_every` and `evaluation`, which change no weight, in `threads`, `compile`
    and a stage's `micro_batch`, which change the last bits of some, and in stages that have not
    begun.

    Raises:
        DataError: It differs elsewhere; the message names what.
    """
    for field in Recipe.__struct_fields__:
        was, now = getattr(begun, field), getattr(recipe, field)
        if field != "stages" and field not in FREE and was != now:
            raise DataError(
                f"the run was begun with another {field}: set it back to {_shown(was, now)}, or "
                "begin a new run in another folder"
            )
    for number, stage in enumerate(_begun_stages(begun, steps_done)):
        now_stage = recipe.stages[number] if number < len(recipe.stages) else None
        if now_stage and stage == replace(now_stage, micro_batch=stage.micro_batch):
            continue
        what = "is left out" if now_stage is None else _difference(stage, now_stage)
        raise DataError(
            f"stage {stage.name!r} has begun and {what} in this recipe: set it back, or begin a "
            "new run in another folder"
        )


def _begun_stages(recipe: Recipe, steps_done: int) -> list[Stage]:
    """Return the stages of which at least one step is done."""
    begun: list[Stage] = []
    for stage in recipe.stages:
        if steps_done <= 0:
            break
        begun.append(stage)
        steps_done -= stage.steps
    return begun


def _difference(was: Stage, now: Stage) -> str:
    now = replace(now, micro_batch=was.micro_batch)
    field = next(f for f in Stage.__struct_fields__ if getattr(was, f) != getattr(now, f))
    return f"its {field} {getattr(was, field)} is {getattr(now, field)}"


def _shown(was: object, now: object) -> str:
    """Show a small value, or the first field in which two larger ones differ."""
    if isinstance(was, msgspec.Struct) and type(was) is type(now):
        field = next(f for f in was.__struct_fields__ if getattr(was, f) != getattr(now, f))
        return f"{field} = {_shown(getattr(was, field), getattr(now, field))}"
    return repr(was) if len(repr(was)) <= 200 else "what recipe.json in its folder says"
