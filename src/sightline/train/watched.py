"""The sets that a run is measured on as it goes. Enter at `open_watched`."""

from collections.abc import Sequence

from sightline.data import Source, open_source
from sightline.errors import DataError, TextError
from sightline.scoring.classes import fill
from sightline.spec import Words
from sightline.train.recipe import Evaluation, Recipe


def open_watched(recipe: Recipe, words: Words) -> tuple[Source, ...]:
    """Open the sets to measure on; what would only fail at the first evaluation fails here.

    Raises:
        DataError: Two sets share a name, none has the metric that selects, or a class name does
            not fit in a row.
    """
    plan = recipe.evaluation
    if plan is None:
        return ()
    sources = tuple(open_source(uri) for uri in plan.uris)
    _check_names(plan, [source.name for source in sources])
    for source in sources:
        _check_labels(source, recipe.spec.words.template, words)
    return sources


def _check_names(plan: Evaluation, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                f"two sets of evaluation.uris are called {name!r}, and figures go by the name: "
                "rename a file"
            )
    chosen, slash, _ = plan.select.partition("/")
    is_watched = any(f"{name}.".startswith(f"{chosen}.") for name in names)
    if plan.select and not (slash and is_watched):
        raise DataError(
            f"evaluation.select {plan.select!r} is of no set that is measured "
            f"({', '.join(names)}): write it as set/metric"
        )


def _check_labels(source: Source, template: str, words: Words) -> None:
    for label in sorted({example.label for example in source if example.label}):
        try:
            words.rows([fill(template, label)])
        except TextError as error:
            raise DataError(
                f"{source.name} has the class name {label!r}, which cannot be measured "
                f"({error}): leave it out of evaluation.uris, or raise words.context_length"
            ) from error
