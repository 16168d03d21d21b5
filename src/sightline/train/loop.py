"""One run, step by step, resumable to the last bit. Enter at `pretrain`."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sightline.errors import TrainingError
from sightline.train.augment import augment
from sightline.train.average import update_average
from sightline.train.batches import Batch
from sightline.train.journal import Journal
from sightline.train.losses import LOSSES, SEEING, Step
from sightline.train.optimizer import rate_at, set_learning, set_rate
from sightline.train.recipe import Stage
from sightline.train.run import Run
from sightline.train.state import Position, load_state, save_state

JOURNAL_EVERY = 20
Watch = Callable[[int, Mapping[str, float]], None]  # images done since the last call, what it saw


def train(run: Run, *, resume: bool, watch: Watch) -> Position:
    """Take a run from where it stands to its end.

    Args:
        run: Everything that was built for it.
        resume: Go on from the saved state; False starts at step 0.
        watch: Called after each step.

    Raises:
        TrainingError: The loss is not finite, or the state cannot be read or written.
    """
    position = Position(step=0, images=0, stream={})
    if resume:
        position = load_state(run.state_folder, run.learner)
        run.stream.restore(position.stream)
    with run.stream, Journal(run.folder, last_step=position.step) as journal:
        while position.step < run.recipe.steps:
            position = _train_stage(run, position, journal, watch)
    return position


def _train_stage(run: Run, position: Position, journal: Journal, watch: Watch) -> Position:
    """Go on to the end of the stage that the position is in."""
    recipe = run.recipe
    number, stage, step_in_stage = recipe.stage_at(position.step)
    set_learning(run.named_parameters(), stage)
    run.lock_texts(stage)
    started = time.monotonic()
    for inside in range(step_in_stage, stage.steps):
        set_rate(run.learner.optimizer, stage, rate_at(stage, inside))
        values = _step(run, stage, position.step)
        images = stage.batch if SEEING & stage.losses.keys() else 0
        position = Position(
            step=position.step + 1,
            images=position.images + images,
            stream=run.stream.state(),
            best=position.best,
        )
        watch(stage.batch, values)
        if position.step % JOURNAL_EVERY == 0 or inside + 1 == stage.steps:
            journal.write(
                "train",
                values | {"rate": rate_at(stage, inside), "scale": run.scale()},
                step=position.step,
                images=position.images,
                seconds=round(time.monotonic() - started, 2),
                stage=number,
            )
        position = _pause(run, stage, position, journal, last=inside + 1 == stage.steps)
    return position


def _pause(run: Run, stage: Stage, position: Position, journal: Journal, *, last: bool) -> Position:
    """Measure and save where the recipe says so, and at the end of a stage."""
    plan = run.recipe.evaluation
    done = position.step == run.recipe.steps
    if plan is not None and stage.towers != "text" and (done or position.step % plan.every == 0):
        figures = run.measure(stage)
        journal.write("evaluate", figures, step=position.step, images=position.images)
        position = run.keep_best(position, figures)
    if last or position.step % run.recipe.save_every == 0:
        save_state(run.state_folder, run.learner, position)
    return position


def _step(run: Run, stage: Stage, number: int) -> dict[str, float]:
    """Learn from one batch; all chance comes from the recipe's seed and the step's number."""
    recipe, learner = run.recipe, run.learner
    chance = np.random.default_rng([recipe.seed, number])
    batch = run.stream.draw(stage.batch) if SEEING & stage.losses.keys() else None
    learner.model.train()
    learner.model.image.train(stage.towers != "text")  # locked: batch norms keep their statistics
    with run.autocast():
        images = None if batch is None else _see(run, stage, batch, chance)
        step = Step(
            model=learner.model,
            heads=learner.heads,
            encoder=run.encoder,
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
    values = {name: float(value.detach()) for name, value in losses.items()}
    _check_finite(run, values, number, batch)
    learner.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(
        [p for _, p in run.named_parameters() if p.grad is not None], recipe.optimizer.clip_norm
    )
    learner.optimizer.step()
    run.clamp_scale()
    if learner.average is not None:
        update_average(learner.average, learner.model, recipe.ema, number)
    return values


def _see(run: Run, stage: Stage, batch: Batch, chance: np.random.Generator) -> Tensor:
    """Return the vectors of a batch's pictures, seen at random crops."""
    recipe = run.recipe
    generator = torch.Generator().manual_seed(int(chance.integers(2**62)))
    size_px = stage.size_px or recipe.spec.pixels.size_px
    pictures = torch.from_numpy(batch.pictures).to(run.device)
    pixels = augment(pictures, size_px, recipe.augment, recipe.spec.pixels, generator)
    keep = None
    if stage.patch_dropout:
        patches = (size_px // run.stride) ** 2
        kept = max(1, round(patches * (1 - stage.patch_dropout)))
        noise = torch.rand(len(pixels), patches, generator=generator)
        keep = noise.argsort(dim=1)[:, :kept].to(run.device)
    vectors: Tensor = run.learner.model.encode_image(pixels, keep).float()
    return vectors


def _check_finite(run: Run, values: Mapping[str, float], number: int, batch: Batch | None) -> None:
    bad = [name for name, value in values.items() if not np.isfinite(value)]
    if not bad:
        return
    keys = ", ".join(batch.keys) if batch is not None else "texts only"
    report: Path = run.folder / f"not-finite-{number}.txt"
    report.write_text("\n".join(batch.keys if batch is not None else []) + "\n", encoding="utf-8")
    raise TrainingError(
        f"{bad[0]} is not finite at step {number} (batch of {keys[:120]}…, all in {report}): "
        f"lower the learning rate and resume from {run.state_folder}, the last good state"
    )
