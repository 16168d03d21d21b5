"""A whole pretraining, from a recipe to a model folder and a report. Enter at `pretrain`."""

from pathlib import Path

import msgspec
import torch

from sightline.errors import TrainingError
from sightline.spec.document import spec_to_json
from sightline.train.loop import Watch, train
from sightline.train.recipe import Recipe, recipe_from_json
from sightline.train.run import build_run

RECIPE = "recipe.json"


def pretrain(recipe: Recipe, folder: Path, *, resume: bool = False, watch: Watch) -> Path:
    """Train a model from nothing, or from `recipe.init`, and return its folder.

    Killed at any step and resumed, it ends in the same weights to the last bit (on a CPU, with the
    same number of threads).

    Args:
        recipe: What to do; "auto" in it is settled here, once, and kept with the run.
        folder: The run folder; a new one unless `resume`.
        resume: Go on from its last saved state.
        watch: Called after each step with the number of images and the losses.

    Raises:
        TrainingError: The folder holds another run, or the loss is not finite.
        DataError: A source does not fit the recipe.
    """
    recipe = settle(recipe)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    _claim(recipe, folder, resume=resume)
    run = build_run(recipe, folder)
    has_state = run.state_folder.exists()
    train(run, resume=resume and has_state, watch=watch)
    plan = recipe.evaluation
    if plan is None or not plan.select:
        run.publish()
    return run.model_folder


def settle(recipe: Recipe) -> Recipe:
    """Decide what the recipe leaves to the machine."""
    device = recipe.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    precision = recipe.precision
    if precision == "auto":
        precision = "bfloat16" if _is_bfloat16_faster(device) else "float32"
    return msgspec.structs.replace(recipe, device=device, precision=precision)


def _is_bfloat16_faster(device: str) -> bool:
    """Whether this machine multiplies bfloat16 in hardware."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.backends.cpu.get_cpu_capability()
    flags = Path("/proc/cpuinfo")
    has_flag = flags.exists() and any(
        flag in flags.read_text(encoding="utf-8") for flag in ("avx512_bf16", "amx_bf16", "bf16")
    )
    return has_flag and capabilities != "DEFAULT"


def _claim(recipe: Recipe, folder: Path, *, resume: bool) -> None:
    """Write the resolved recipe into a new run folder, or hold it against the one that is there."""
    file = folder / RECIPE
    ours = recipe_to_json(recipe)
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".writing")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(ours), indent=2))
        draft.replace(file)
        return
    if not resume:
        raise TrainingError(
            f"run folder {folder} already holds a run: add --resume to go on with it, or choose "
            "another folder"
        )
    theirs = recipe_from_json(msgspec.json.decode(file.read_bytes()))
    free = {"threads": recipe.threads, "save_every": recipe.save_every}
    if msgspec.structs.replace(theirs, **free) != recipe:
        raise TrainingError(
            f"run folder {folder} was begun with another recipe ({file}): resume with that one, "
            "or choose another folder"
        )


def recipe_to_json(recipe: Recipe) -> dict[str, object]:
    """Return a recipe as plain values that `recipe_from_json` reads back."""
    tree: dict[str, object] = msgspec.to_builtins(recipe)
    spec = spec_to_json(recipe.spec)
    return tree | {"spec": {key: value for key, value in spec.items() if key != "version"}}
