"""A model folder with results and facts, as a card needs them."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sightline.checkpoints import Checkpoint
from sightline.data import Source
from sightline.evaluate import Result, run
from sightline.evaluate.facts import Facts, read_facts
from tiny_embedder import RGB, colour_embedder, example, png, source_of
from tiny_folder import write_some

RED, GREEN, BLUE = RGB.values()
FACTS = """
title = "Colours"
summary = "Knows three colours."
recipe = "Counted by hand."
limits = ["knows no yellow"]
datasets = ["colours"]

[[data]]
name = "walls"
samples = 1200
terms = "non-commercial | research"
source = "a painter"

[training_distribution.eval-colours]
seen = "classes"
note = "all three colours were trained on"

[training_distribution.photos]
seen = "no"
note = "new walls"

[training_distribution.captions]
seen = "kind"
note = "other sentences of the same painter"

[pictures]
dataset = "photos"
folder = "shown"
photos = [{ key = "wall", file = "wall.png", author = "A. Painter", licence = "CC0-1.0" }]
"""


def colours(name: str = "eval-colours") -> Source:
    """Three colours in two places, one of them called by another name."""
    return source_of(
        example("a", RED, "red", group={"place": "indoors"}),
        example("b", GREEN, "green", group={"place": "indoors"}),
        example("c", BLUE, "blue", group={"place": "outdoors"}),
        example("wall", BLUE, "green", group={"place": "outdoors"}),
        name=name,
    )


def captions() -> Source:
    """Two pictures with a caption each, one of them wrong."""
    return source_of(
        example("a", RED, texts=("a red wall",)),
        example("b", GREEN, texts=("something red",)),
        name="captions",
    )


def measured(checkpoint: Checkpoint, source: Source, **options: Any) -> Result:
    """Measure the colours as if the checkpoint's towers saw them."""
    found = run(colour_embedder(identify=lambda: checkpoint.fingerprint), source, **options)
    return replace(found, model="m", command=f"sightline evaluate m {source.uri}")


def card_inputs(folder: Path) -> tuple[Checkpoint, list[Result], Facts]:
    """Write a model folder with facts and photos, and measure three sets."""
    checkpoint = write_some(folder)
    (folder / "facts.toml").write_text(FACTS, encoding="utf-8")
    (folder / "shown").mkdir()
    (folder / "shown" / "wall.png").write_bytes(png(BLUE))
    sources = [colours(), colours("photos"), captions()]
    results = [measured(checkpoint, source) for source in sources]
    return checkpoint, results, read_facts(folder / "facts.toml")
