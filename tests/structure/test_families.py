"""What docs/families.md tells a newcomer to write, works."""

import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from code_tree import PACKAGE, ROOT
from sightline.checkpoints.names import NAME_TABLES, fit, spelt
from sightline.checkpoints.safetensors_writing import storable
from sightline.errors import CheckpointError
from sightline.hub import Entry
from sightline.spec import Spec
from sightline.spec.inventory import shapes
from sightline.tensors import open_tensors
from tiny_folder import write_arrays
from tiny_specs import tiny_spec

PAGE = (ROOT / "docs" / "families.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def written() -> dict[str, Any]:
    """Run the page's Python, and return what it names."""
    names: dict[str, Any] = {}
    for language, text in BLOCKS:
        if language == "python":
            exec(text, names)  # our own page
    return names


def test_the_page_is_short_and_has_an_example_for_each() -> None:
    assert len(PAGE.splitlines()) <= 80
    assert [language for language, _ in BLOCKS] == ["python"] * 3 + ["json"]


def test_the_layout_reads_what_it_writes_and_nothing_else(tmp_path: Path) -> None:
    spec, table = tiny_spec(), written()["ACME"]
    draw = np.random.default_rng(0)
    ours = {name: draw.normal(size=shape) for name, shape in shapes(spec).items()}
    stored = {name: storable(name, array.astype(np.float32)) for name, array in ours.items()}
    theirs = {name: one.words for name, one in spelt(stored, table).items()}
    assert "words.layers.1.qkv.bias" in theirs
    path = write_arrays(tmp_path / "m.safetensors", {**theirs, "words.mask": np.zeros(3)})
    read = fit(list(open_tensors(path)), spec, table)
    assert all(np.array_equal(read[name], ours[name].astype(np.float32)) for name in ours)
    with pytest.raises(CheckpointError):  # the control: another layout's table
        fit(list(open_tensors(path)), spec, NAME_TABLES["openai"])


def test_the_family_describes_a_model_and_reads_it_again() -> None:
    family, spec = written()["ACME_CLIP"], tiny_spec()
    settings = family.settings(spec)
    assert settings["model_type"] == "acme_clip"
    config = msgspec.convert(settings, family.config)
    assert family.spec(config, spec.pixels, spec.words).image == spec.image
    assert family.table in NAME_TABLES


def test_the_architecture_is_a_spec() -> None:
    [(name, spec)] = written()["ROW"].items()
    assert isinstance(spec, Spec)
    assert spec.pixels.size_px == int(name.rpartition("-")[2])


def test_the_checkpoint_is_an_entry() -> None:
    [text] = [text for language, text in BLOCKS if language == "json"]
    entry = msgspec.json.decode(text, type=Entry)
    assert entry.sources.keys() == {"source", "license"}
    with pytest.raises(msgspec.ValidationError):  # the control: a key that is not one
        msgspec.json.decode(text.replace("refusal", "refused"), type=Entry)


def test_every_path_that_it_names_is_there() -> None:
    named = [name for name in re.findall(r"`([\w./]+(?:\.py|\.json|/))`", PAGE) if "/" in name]
    places = [ROOT / name if name.startswith("tests/") else PACKAGE / name for name in named]
    assert len(places) > 8
    assert [str(place) for place in places if not place.exists()] == []
