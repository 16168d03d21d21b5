"""A whole pretraining, from a recipe to a model folder and a report. Enter at `pretrain`."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from msgspec.structs import replace

from sightline.data import Tally
from sightline.errors import DataError, RuntimeUnavailable, TrainingError
from sightline.train.batches import BatchStream
from sightline.train.claim import check_continuation, only_one, read_begun, write_begun
from sightline.train.loop import Watch, train
from sightline.train.recipe import Recipe
from sightline.train.report import REPORT, write_report
from sightline.train.run import MODEL, TOKENIZER, Measure, Run, build_run
from sightline.train.state import STATE, Position, find_state, load_state, steps_done


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What came of a run."""

    folder: Path
    steps: int  # done so far
    is_done: bool  # False where it was asked to stop
    skipped: Tally  # examples of no use, each once

    @property
    def model(self) -> Path:
        """Where the model is, once there is one."""
        return self.folder / MODEL

    @property
    def report(self) -> Path:
        """Where the report is, once the run is done."""
        return self.folder / REPORT


def _never() -> bool:
    return False


def pretrain(
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    watch: Watch,
    measure: Measure | None = None,
    stop: Callable[[], bool] = _never,
) -> Trained:
    """Train a model from nothing, or from `recipe.init`.

    Killed at any step and resumed, it ends in the same weights to the last bit (on a CPU, with the
    same number of threads).

    Args:
        recipe: What to do; "auto" in it is settled here, once, and kept with the run.
        folder: The run folder; a new one unless `resume`.
        resume: Go on from its last saved state, or from the start where it has none yet.
        watch: Called after each step with the number of examples and the losses.
        measure: Measures the live model on a source; needed where the recipe has an evaluation.
        stop: Asked after each step; on True the state is saved and the run ends early.

    Raises:
        TrainingError: The folder holds another run, or the loss is not finite.
        DataError: A source does not fit the recipe, or the recipe not the run that it goes on.
    """
    if recipe.evaluation is not None and measure is None:
        raise DataError("the recipe has an evaluation and nothing that measures was handed in")
    if resume and read_begun(folder) is None:
        raise TrainingError(f"there is no run in {folder} to resume: leave resume out to begin it")
    with only_one(folder):
        begun = read_begun(folder)
        if begun is not None and not resume:
            raise TrainingError(
                f"run folder {folder} already holds a run: resume it, or choose another folder"
            )
        recipe = settle(recipe, begun)
        with _threads(recipe.threads):
            run, position = _take_up(recipe, begun, folder, measure)
            position = train(run, position, watch=watch, stop=stop)
        is_done = position.step == recipe.steps
        if is_done:
            if position.best is None:
                run.publish()
            write_report(run.recipe, folder, run.watched, run.stream.skipped(position.stream))
    return Trained(
        folder=folder,
        steps=position.step,
        is_done=is_done,
        skipped=BatchStream.skipped(position.stream),
    )


def _take_up(
    recipe: Recipe, begun: Recipe | None, folder: Path, measure: Measure | None
) -> tuple[Run, Position]:
    """Build a run and go to where it stands; its recipe is written down when all of it holds."""
    position = Position.at_start()
    state = find_state(folder / STATE)
    if begun is None:
        (folder / TOKENIZER).unlink(missing_ok=True)  # of an attempt that failed before it began
    else:
        check_continuation(begun, recipe, steps_done(folder))
    run = build_run(recipe, folder, measure)
    if state is not None:
        position = load_state(state, run.learner)
        run.stream.restore(position.stream)
    if begun != recipe:
        write_begun(folder, recipe)
    plan = recipe.evaluation
    if plan is None or position.best_of not in (None, plan.select):
        position = replace(position, best=None, best_of=None)
    return run, position


def settle(recipe: Recipe, begun: Recipe | None = None) -> Recipe:
    """Decide what the recipe leaves to the machine; a run goes on as it was begun."""
    device, precision = recipe.device, recipe.precision
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        device = device if begun is None else begun.device
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeUnavailable("device 'cuda' is not there: set device to 'cpu'")
    if recipe.compile and device == "cpu" and shutil.which(_cpp_compiler()) is None:
        raise RuntimeUnavailable(
            f"compile on a CPU needs the C++ compiler {_cpp_compiler()}, which is not there: "
            "install it, name another in CXX, or set compile to false"
        )
    if precision == "auto":
        precision = "bfloat16" if _is_bfloat16_faster(device) else "float32"
        precision = precision if begun is None else begun.precision
    threads = recipe.threads or (begun.threads if begun else 0) or torch.get_num_threads()
    return replace(recipe, device=device, precision=precision, threads=threads)


def _cpp_compiler() -> str:
    """Return which compiler torch.compile calls."""
    return os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")


def _is_bfloat16_faster(device: str) -> bool:
    """Whether this machine multiplies bfloat16 in hardware."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.backends.cpu.get_cpu_capability()
    flags = Path("/proc/cpuinfo")
    has_flag = flags.exists() and any(
        flag in flags.read_text(encoding="utf-8") for flag in ("avx512_bf16", "amx_bf16", "bf16")
    )
    return has_flag and capabilities != "DEFAULT"


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Give torch so many threads for as long as the block lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
