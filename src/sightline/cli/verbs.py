"""The table of verbs: where each is written and what it does. Enter at `GROUPS`.

A module is imported only when its verb is used; it holds a click command called `command`.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Verb(NamedTuple):
    """One row."""

    module: str
    help: str


GROUPS: Mapping[str, Mapping[str, Verb]] = {
    "Look at pictures": {
        "classify": Verb("sightline.cli.classify", "Which of these labels fits each picture best?"),
        "similarity": Verb("sightline.cli.similarity", "How close is each picture to each text?"),
        "embed": Verb("sightline.cli.embed", "Write the vectors of pictures to a file."),
    },
    "Make and judge models": {
        "train": Verb("sightline.cli.train", "Make a model from a recipe."),
        "evaluate": Verb("sightline.cli.evaluate", "How good is a model, and how sure is that?"),
        "card": Verb("sightline.cli.card", "Write a model's card from its results, or check it."),
    },
    "Look after data": {
        "data": Verb("sightline.cli.data", "What is in these pictures and words? (inspect)"),
    },
    "Look after weights": {
        "models": Verb(
            "sightline.cli.models",
            "Find, fetch, describe, check, convert and resize models.",
        ),
    },
    "Ship": {
        "export": Verb("sightline.cli.export", "Write a model as a folder that runs by itself."),
        "benchmark": Verb("sightline.cli.benchmark", "How fast is this model on this machine?"),
    },
}

VERBS: Mapping[str, Verb] = {name: row for rows in GROUPS.values() for name, row in rows.items()}
