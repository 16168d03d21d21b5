"""One run, step by step, resumable to the last bit. Enter at `train`."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from msgspec.structs import replace
from torch import Tensor

from sightline.errors import TrainingError
from sightline.train.augment import augment
from sightline.train.average import update_average
from sightline.train.batches import Batch
from sightline.train.journal import Journal
from sightline.train.losses import LOSSES
from sightline.train.optimizer import rate_at, set_learning, set_rate
from sightline.train.passes import MicroBatches, Passes, Whole
from sightline.train.recipe import SEEING, Stage
from sightline.train.run import Run
from sightline.train.state import Position, find_state, read_position, save_state
from sightline.train.step import Step

JOURNAL_EVERY = 20  # steps
NAMED = 8  # keys of a bad batch named in the error; a file has all
Watch = Callable[[int, Mapping[str, float]], None]  # examples of a step, its losses


def train(run: Run, position: Position, *, watch: Watch, stop: Callable[[], bool]) -> Position:
    """Take a run from where it stands to its end, or to where it is asked to stop.

    Args:
        run: Everything that was built for it, its weights those of the position.
        position: Where it stands.
        watch: Called after each step.
        stop: Asked after each step; on True the state is saved and that is all.

    Raises:
        TrainingError: The loss is not finite, or the state cannot be written.
    """
    with run.stream, Journal(run.folder, last_step=position.step) as journal:
        while position.step < run.recipe.steps:
            position, stopped = _train_stage(run, position, journal, watch, stop)
            if stopped:
                break
    return position


def _train_stage(
    run: Run, position: Position, journal: Journal, watch: Watch, stop: Callable[[], bool]
) -> tuple[Position, bool]:
    """Go on to the end of the stage that the position is in, or to where it is stopped."""
    number, stage, step_in_stage = run.recipe.stage_at(position.step)
    set_learning(run.named_parameters(), stage)
    run.lock_texts(stage)
    pace = _Pace()
    for inside in range(step_in_stage, stage.steps):
        rate = rate_at(stage, inside)
        set_rate(run.learner.optimizer, stage, rate)
        with pace:
            values = _step(run, stage, position.step)
        position = replace(
            position,
            step=position.step + 1,
            images=position.images + (stage.batch if sees(stage) else 0),
            stream=run.stream.state(),
        )
        last, stopped = inside + 1 == stage.steps, stop()
        if position.step % JOURNAL_EVERY == 0 or inside == 0 or last:
            journal.write(
                "train",
                values | {"rate": rate, "scale": run.scale(), "examples/s": pace.take(stage.batch)},
                step=position.step,
                images=position.images,
                stage=number,
            )
        position = _pause(run, stage, position, journal, save=last or stopped)
        watch(stage.batch, values)
        if stopped:
            return position, True
    return position, False


class _Pace:
    """Times steps alone: neither evaluation nor saving."""

    def __init__(self) -> None:
        self._steps = 0
        self._seconds = 0.0
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._seconds += time.monotonic() - self._started
        self._steps += 1

    def take(self, batch: int) -> float:
        """Return examples a second since the last call."""
        pace = batch * self._steps / max(self._seconds, 1e-9)
        self._steps, self._seconds = 0, 0.0
        return round(pace, 1)


def sees(stage: Stage) -> bool:
    """Whether a stage looks at pictures."""
    return bool(SEEING & stage.losses.keys())


def _pause(run: Run, stage: Stage, position: Position, journal: Journal, *, save: bool) -> Position:
    """Measure and save where the recipe says so, and at the end of a stage."""
    plan = run.recipe.evaluation
    done = position.step == run.recipe.steps
    if plan is not None and (done or (sees(stage) and position.step % plan.every == 0)):
        figures = run.measure(stage)
        journal.write("evaluate", figures, step=position.step, images=position.images)
        position = run.keep_best(stage, position, figures)
    if save or position.step % run.recipe.save_every == 0:
        save_state(run.state_folder, run.learner, position)
    return position


def _step(run: Run, stage: Stage, number: int) -> dict[str, float]:
    """Learn from one batch; all chance comes from the recipe's seed and the step's number."""
    recipe, learner = run.recipe, run.learner
    chance = np.random.default_rng([recipe.seed, number])
    batch = run.stream.draw(stage.batch) if sees(stage) else None
    learner.model.train()
    learner.model.image.train(stage.towers != "text")  # locked: batch norms keep their statistics
    passes = MicroBatches(stage.micro_batch, run.autocast) if stage.micro_batch else Whole()
    with run.autocast():
        images = None if batch is None else _see(run, stage, batch, chance, passes)
        step = Step(
            model=learner.model,
            heads=learner.heads,
            encoder=run.encoder.through(passes),
            catalog=run.catalog,
            chance=chance,
            templates=recipe.templates,
            count=stage.batch,
            smoothing=stage.smoothing,
            batch=batch,
            images=images,
        )
        losses = {name: LOSSES[name](step) for name in stage.losses}
        loss = torch.stack([stage.losses[name] * losses[name] for name in stage.losses]).sum()
    values: dict[str, float] = {name: float(value.detach()) for name, value in losses.items()}
    _check_finite(run, values, number, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    passes.backward()
    norm = torch.nn.utils.clip_grad_norm_(
        [p for _, p in run.named_parameters() if p.grad is not None], recipe.optimizer.clip_norm
    )
    # Before the weights take it: else a state with spoilt weights could be saved as a good one.
    _check_finite(run, {"the gradient": float(norm)}, number, batch)
    learner.optimizer.step()
    learner.optimizer.zero_grad(set_to_none=True)  # now: the next forward pass needs the room
    run.clamp_scale()
    if learner.average is not None:
        update_average(learner.average, learner.model, recipe.ema, number)
    return values


def _see(
    run: Run, stage: Stage, batch: Batch, chance: np.random.Generator, passes: Passes
) -> Tensor:
    """Return the vectors of a batch's pictures, seen at random crops."""
    recipe = run.recipe
    generator = torch.Generator().manual_seed(int(chance.integers(2**62)))
    size_px = stage.size_px or recipe.spec.pixels.size_px
    pictures = torch.from_numpy(batch.pictures).to(run.device)
    pixels = augment(pictures, size_px, recipe.augment, recipe.spec.pixels, generator)
    rows = [pixels]
    if stage.patch_dropout:
        patches = (size_px // run.stride) ** 2
        kept = max(1, round(patches * (1 - stage.patch_dropout)))
        noise = torch.rand(len(pixels), patches, generator=generator)
        rows.append(noise.argsort(dim=1)[:, :kept].to(run.device))
    return passes.encode(run.learner.model.image, *rows).float()


def _check_finite(run: Run, values: Mapping[str, float], number: int, batch: Batch | None) -> None:
    """Stop before the weights take what is not finite; name the step, the batch and the way on."""
    bad = [name for name, value in values.items() if not np.isfinite(value)]
    if not bad:
        return
    keys = ["texts only"] if batch is None else list(batch.keys)
    report = run.folder / f"not-finite-{number}.txt"
    report.write_text("\n".join(keys) + "\n", encoding="utf-8")
    shown = ", ".join(keys[:NAMED]) + (f" and {len(keys) - NAMED} more" * (len(keys) > NAMED))
    state = find_state(run.state_folder)
    good = (
        "nothing was saved before it"
        if state is None
        else f"the last good state is that of step {read_position(state).step} in {state}"
    )
    raise TrainingError(
        f"{bad[0]} is not finite at step {number} (batch of {shown}; all keys in {report}), "
        f"{good}: mend the batch, or begin a new run with a lower learning rate"
    )
