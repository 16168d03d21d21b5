"""A training run of a few seconds: pictures of three colours, a network of some thousand weights.

Enter at `tiny_recipe` and `write_sets`.
"""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from PIL import Image

from sightline.spec.document import spec_to_json
from sightline.spec.towers import ConvStem, Softmax, Spec
from sightline.train.recipe import Reads, Recipe, SourcePart
from sightline.train.recipe_file import recipe_from_json
from tiny_sets import TarMember, write_shard
from tiny_specs import HYBRID, TEXT, WORDS, tiny_spec

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220), "grey": (99,) * 3}
PLACES = ("wall", "door", "car", "hat", "boat")


def colour_picture(colour: str, seed: int) -> bytes:
    """Encode a small noisy picture of a colour."""
    noise = np.random.default_rng(seed).normal(0, 25, (12, 14, 3))
    array = np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def write_sets(folder: Path, count: int = 24) -> None:
    """Write three shards: labelled ones to learn and to measure on, and captioned ones."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(COLOURS)
    for file, first in (("labelled", 0), ("held-out", 1000)):
        members: list[TarMember] = []
        for number in range(first, first + count):
            colour = names[number % len(names)]
            members += [
                (f"{number:04}.png", colour_picture(colour, number)),
                (f"{number:04}.json", json.dumps({"label": colour}).encode()),
            ]
        write_shard(folder / f"{file}.tar", members)
    members = []
    for number in range(count):
        colour, place = names[number % len(names)], PLACES[number % len(PLACES)]
        captions = [f"a {colour} {place}", f"the {place} is {colour}", f"{colour} {place} {number}"]
        members += [
            (f"c{number:04}.png", colour_picture(colour, 500 + number)),
            (f"c{number:04}.json", json.dumps({"captions": captions}).encode()),
        ]
    write_shard(folder / "captioned.tar", members)


def training_spec(**changes: Any) -> Spec:
    """Return a hybrid image tower with batch norms and a text tower over a learnt vocabulary."""
    image = replace(
        HYBRID,
        size_px=16,
        width=16,
        heads=2,
        stem=ConvStem(first=4, channels=(8, 16), blocks=(1, 1)),
    )
    text = replace(TEXT, vocab_size=300, width=16, heads=2, pool="end_token", layers=1)
    words = replace(
        WORDS, tokenizer="file", start_id=1, end_id=2, pad_id=0, context_length=16, template="a {}"
    )
    head = Softmax(logit_scale=2.0, max_scale=50.0)
    fields: dict[str, Any] = {"words": words, "head": head, "embed_dim": 12}
    return tiny_spec(changes.pop("image", image), text, **(fields | changes))


def stage(name: str, **changes: Any) -> dict[str, Any]:
    """Return a stage of four steps."""
    fields = {
        "name": name,
        "steps": 4,
        "towers": "both",
        "batch": 8,
        "lr": 3e-3,
        "lr_end": 1e-4,
        "warmup": 2,
        "losses": {"contrast": 1.0},
    }
    return fields | changes


def recipe_tree(sets: Path, **changes: Any) -> dict[str, Any]:
    """Return a recipe as plain values: text alone, images towards locked texts, then both."""
    spec = changes.pop("spec", training_spec())
    tree: dict[str, Any] = {
        "name": "tiny",
        "spec": {key: value for key, value in spec_to_json(spec).items() if key != "version"},
        "sources": [
            {
                "name": "colours",
                "uri": str(sets / "labelled.tar"),
                "share": 0.6,
                "reads": "labels",
                "terms": "made for a test",
            },
            {
                "name": "captions",
                "uri": str(sets / "captioned.tar"),
                "share": 0.4,
                "reads": "captions",
                "terms": "made for a test",
            },
        ],
        "stages": [
            stage("text", towers="text", losses={"paraphrase": 1.0, "names_apart": 1.0}),
            stage("image", towers="image", size_px=8, losses={"contrast": 1.0, "class_head": 0.5}),
            stage("both", patch_dropout=0.25, text_lr=0.5),
        ],
        "vocabulary": 300,
        "ema": 0.9,
        "save_every": 3,
        "device": "cpu",
        "precision": "float32",
        "threads": 1,
        "augment": {"store_px": 20, "erase": 0.3},
    }
    return tree | changes


def part(name: str, reads: Reads = "labels", **changes: Any) -> SourcePart:
    """Return a source of a recipe of which nothing is read."""
    fields: dict[str, Any] = {"uri": "", "share": 1.0, "terms": ""}
    return SourcePart(name=name, reads=reads, **(fields | changes))


def tiny_recipe(sets: Path, **changes: Any) -> Recipe:
    """Return a recipe of twelve steps."""
    return recipe_from_json(recipe_tree(sets, **changes))


def as_toml(tree: dict[str, Any], place: str = "") -> str:
    """Write a recipe as a person would; no key needs quotes."""
    tables = {key: value for key, value in tree.items() if isinstance(value, dict)}
    lists = {
        key: value
        for key, value in tree.items()
        if isinstance(value, list) and value and isinstance(value[0], dict)
    }
    plain = [key for key in tree if key not in tables | lists and tree[key] is not None]
    lines = [f"{key} = {json.dumps(tree[key])}" for key in plain]
    for key, value in tables.items():
        lines += [f"[{place}{key}]", as_toml(value, f"{place}{key}.")]
    for key, values in lists.items():
        for value in values:
            lines += [f"[[{place}{key}]]", as_toml(value, f"{place}{key}.")]
    return "\n".join(lines)


def write_recipe(path: Path, tree: dict[str, Any]) -> Path:
    """Write a recipe as TOML."""
    path.write_text(as_toml(tree), encoding="utf-8")
    return path
