"""Refuse at the start what would only fail hours later. Enter at `check_recipe`."""

from collections.abc import Sequence

from sightline.errors import DataError
from sightline.spec import ConvStem, ResNet, Softmax, Spec, ViT
from sightline.train.recipe import SEEING, Augment, Evaluation, LossName, Optimizer, Recipe, Stage


def check_recipe(recipe: Recipe) -> None:
    """Hold a recipe's parts against each other.

    Raises:
        DataError: They do not fit; the message names the part.
    """
    if not recipe.sources or not recipe.stages:
        raise DataError("the recipe needs at least one [[sources]] and one [[stages]]")
    _check_names("sources", [part.name for part in recipe.sources])
    _check_names("stages", [stage.name for stage in recipe.stages])
    for part in recipe.sources:
        if not part.name or "." in part.name:  # torch takes no dot in the name of a class head
            raise DataError(f"source {part.name!r} needs a name without dots: rename it")
        if not 0 < part.share < float("inf"):
            raise DataError(f"source {part.name!r} has share {part.share}: give a positive number")
    for stage in recipe.stages:
        _check_numbers(stage)
        _check_micro_batch(recipe.spec, stage)
        _check_losses(recipe, stage)
        _check_size(recipe, stage)
    for template in recipe.templates:
        if template.count("{}") != 1:
            raise DataError(f"template {template!r} needs exactly one {{}}: add it")
    if not recipe.templates:
        raise DataError("the recipe has no templates: give at least '{}'")
    _check_rest(recipe)
    _check_optimizer(recipe.optimizer)
    _check_augment(recipe.augment)


def _check_names(what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"two of the recipe's {what} share the name {name!r}: rename one")


def _check_numbers(stage: Stage) -> None:
    wrong = {
        "steps": stage.steps < 1,
        "batch": stage.batch < 2,
        "lr": not 0 < stage.lr < float("inf"),
        "lr_end": not 0 <= stage.lr_end < float("inf"),
        "warmup": stage.warmup < 0,
        "text_lr": not 0 <= stage.text_lr < float("inf"),
        "smoothing": not 0 <= stage.smoothing < 1,
        "patch_dropout": not 0 <= stage.patch_dropout < 1,
    }
    for field, is_wrong in wrong.items():
        if is_wrong:
            raise DataError(
                f"stage {stage.name!r} has {field} {getattr(stage, field)}: steps ≥ 1, batch ≥ 2, "
                "lr > 0, lr_end, warmup and text_lr ≥ 0, smoothing and patch_dropout from 0 to "
                "below 1"
            )
    if stage.warmup > stage.steps:
        raise DataError(
            f"stage {stage.name!r} warms up for {stage.warmup} steps and has {stage.steps}: "
            "shorten its warmup, or give it more steps"
        )


def _check_micro_batch(spec: Spec, stage: Stage) -> None:
    """Refuse micro-batches of no size, and where rows see each other."""
    if stage.micro_batch is None:
        return
    if not 1 <= stage.micro_batch <= stage.batch:
        raise DataError(
            f"stage {stage.name!r} has micro_batch {stage.micro_batch}: give a number from 1 to "
            f"its batch, {stage.batch}, or leave it out"
        )
    is_normed = isinstance(spec.image, ResNet) or isinstance(spec.image.stem, ConvStem)
    if is_normed and stage.towers != "text" and SEEING & stage.losses.keys():
        raise DataError(
            f"stage {stage.name!r} has micro_batch {stage.micro_batch}, and the image tower's "
            "batch norms would see so many images instead of the whole batch: leave it out"
        )


def _check_losses(recipe: Recipe, stage: Stage) -> None:
    """Refuse a loss whose pictures or words the stage does not have."""
    wanted = set(stage.losses)
    reads = {part.reads for part in recipe.sources}
    if not wanted:
        raise DataError(f"stage {stage.name!r} has no losses: name at least one")
    for loss, weight in stage.losses.items():
        if not 0 < weight < float("inf"):
            raise DataError(
                f"stage {stage.name!r} weighs the {loss} loss with {weight}: give a positive "
                "number, or leave the loss out"
            )
    idle: dict[str, set[LossName]] = {
        "text": {"class_head"},
        "image": wanted - SEEING,
        "both": set(),
    }
    if nothing := wanted & idle[stage.towers]:
        locked = "image" if stage.towers == "text" else "text"
        raise DataError(
            f"stage {stage.name!r} locks the {locked} tower, so {', '.join(sorted(nothing))} "
            "would teach nothing: leave it out of its losses"
        )
    if "all_words" in wanted and not isinstance(recipe.spec.head, Softmax):
        raise DataError(
            f"stage {stage.name!r} has the all_words loss, which sets words against each other, "
            "and a sigmoid head judges each alone: take the words loss instead"
        )
    if "relations" in wanted and recipe.relations is None:
        raise DataError(
            f"stage {stage.name!r} has the relations loss and the recipe no [relations] table: "
            "add it or leave the loss out"
        )
    for loss, needs in (("class_head", "labels"), ("paraphrase", "captions")):
        if loss in wanted and needs not in reads:
            raise DataError(
                f"stage {stage.name!r} has the {loss} loss and no source is read by {needs}: "
                "leave the loss out"
            )
    if "names_apart" in wanted and "labels" not in reads and recipe.relations is None:
        raise DataError(
            f"stage {stage.name!r} has the names_apart loss and the recipe has no names, neither "
            "labels nor [relations]: leave the loss out"
        )


def _check_size(recipe: Recipe, stage: Stage) -> None:
    """Refuse an input size or patch dropout that the image tower does not take."""
    image, own = recipe.spec.image, recipe.spec.pixels.size_px
    if isinstance(image, ResNet) and stage.patch_dropout:
        raise DataError(
            f"stage {stage.name!r} has patch_dropout and a ResNet has no patches: leave it out"
        )
    if stage.size_px is None or stage.size_px == own:
        return
    if not isinstance(image, ViT) or image.position == "learned":
        raise DataError(
            f"stage {stage.name!r} is at {stage.size_px} px and the image tower's positions are "
            f"for {own} px: leave size_px out, or use a tower without positions"
        )
    stride = image.stem.stride
    exact = isinstance(image.stem, ConvStem)
    if stage.size_px < stride or (exact and stage.size_px % stride):
        raise DataError(
            f"stage {stage.name!r} is at {stage.size_px} px, which is not a multiple of the image "
            f"tower's stride {stride}: change size_px"
        )


def _check_rest(recipe: Recipe) -> None:
    if not 0 <= recipe.ema < 1:
        raise DataError(f"ema is {recipe.ema}: give 0 (none) or a decay below 1")
    if recipe.seed < 0:
        raise DataError(f"seed is {recipe.seed}: give 0 or more")
    if recipe.save_every < 1:
        raise DataError(f"save_every is {recipe.save_every}: give the steps between two states")
    if recipe.threads < 0:
        raise DataError(f"threads is {recipe.threads}: give a number of threads, or 0 for all")
    if recipe.evaluation is not None:
        _check_evaluation(recipe, recipe.evaluation)
    if recipe.vocabulary and recipe.init:
        raise DataError(
            "the recipe has both vocabulary and init, and a model to begin from brings its own "
            "vocabulary: leave one out"
        )
    learns = recipe.spec.words.tokenizer == "file" and not recipe.init
    if learns != bool(recipe.vocabulary):
        raise DataError(
            f"the spec's tokenizer is {recipe.spec.words.tokenizer!r} and vocabulary is "
            f"{recipe.vocabulary}: give a vocabulary size for 'file', and 0 otherwise"
        )


def _check_evaluation(recipe: Recipe, plan: Evaluation) -> None:
    if plan.every < 1:
        raise DataError(f"evaluation.every is {plan.every}: give the steps between two evaluations")
    if plan.select and not any(stage.is_at(recipe.spec) for stage in recipe.stages):
        raise DataError(
            f"evaluation.select chooses among models at {recipe.spec.pixels.size_px} px, the "
            "spec's own size, and no stage is at it: leave size_px out of the last one"
        )


def _check_optimizer(optimizer: Optimizer) -> None:
    is_sound = (
        0 <= optimizer.weight_decay < float("inf")
        and 0 <= optimizer.beta1 < 1
        and 0 <= optimizer.beta2 < 1
        and optimizer.eps > 0
        and optimizer.clip_norm > 0
    )
    if not is_sound:
        raise DataError(
            f"the optimizer's numbers are out of range ({optimizer}): weight_decay ≥ 0, betas "
            "from 0 to below 1, eps > 0, clip_norm > 0"
        )


def _check_augment(augment: Augment) -> None:
    low, high = augment.crop
    is_sound = (
        augment.store_px >= 1
        and 0 < low <= high <= 1
        and min(augment.aspect, augment.brightness, augment.contrast) >= 0
        and all(
            0 <= share <= 1 for share in (augment.grey, augment.flat, augment.edges, augment.erase)
        )
    )
    if not is_sound:
        raise DataError(
            f"the augmentation's numbers are out of range ({augment}): store_px ≥ 1, crop within "
            "0 to 1 and its first number the smaller, shares from 0 to 1, strengths ≥ 0"
        )
