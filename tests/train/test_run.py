"""What is measured on the way and kept at the end."""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import sightline
from sightline.data import Source, open_source
from sightline.embedder import Embedder
from sightline.errors import DataError
from sightline.train import pretrain
from sightline.train.journal import read_journal
from tiny_sets import TarMember, write_shard
from tiny_training import colour_picture, tiny_recipe, write_sets
from training_runs import Watched, learnt, measure, same_weights


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    write_sets(folder / "sets")
    return folder / "sets"


def test_the_model_folder_is_the_live_model_in_both_runtimes(sets: Path, tmp_path: Path) -> None:
    trained, _ = learnt(sets, tmp_path / "run")
    pixels = np.random.default_rng(0).normal(size=(3, 3, 16, 16)).astype(np.float32)
    live = load_file(trained.folder / "state" / "tensors.safetensors")
    stored = load_file(trained.model / "model.safetensors")
    assert {f"model/{name}" for name in stored} == {n for n in live if n.startswith("model/")}
    assert any(name.endswith("num_batches_tracked") for name in stored)
    for name, array in stored.items():
        assert array == pytest.approx(live[f"model/{name}"], rel=1e-3, abs=1e-6), name
    engines = [sightline.load(trained.model, runtime=name) for name in ("torch", "onnxruntime")]
    ours, theirs = (engine.towers.image(pixels) for engine in engines)
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_live_evaluation_sees_what_the_opened_model_sees(sets: Path, tmp_path: Path) -> None:
    seen: list[tuple[float, float]] = []
    picture = next(iter(open_source(sets / "held-out.tar"))).image

    def look(embedder: Embedder, source: Source) -> dict[str, float]:
        shares = embedder.classify(picture, ["red", "green", "blue"]).scores[0]
        seen.append((float(shares[0]), float(shares[1])))
        return {"held-out/share": float(shares[0])}

    plan = {"every": 1000, "uris": [str(sets / "held-out.tar")]}
    trained = pretrain(
        tiny_recipe(sets, evaluation=plan), tmp_path / "run", watch=Watched(), measure=look
    )
    opened = sightline.load(trained.model).classify(picture, ["red", "green", "blue"]).scores[0]
    assert seen == [pytest.approx((float(opened[0]), float(opened[1])), abs=2e-3)]


def test_evaluation_changes_no_weight(sets: Path, tmp_path: Path) -> None:
    plan = {"every": 2, "uris": [str(sets / "held-out.tar")]}

    def disturb(embedder: Embedder, source: Source) -> Mapping[str, float]:
        torch.rand(3)
        np.random.rand(3)
        return measure(embedder, source)

    pretrain(tiny_recipe(sets), tmp_path / "without", watch=Watched())
    recipe = tiny_recipe(sets, evaluation=plan)
    pretrain(recipe, tmp_path / "with", watch=Watched(), measure=disturb)
    assert same_weights(tmp_path / "without", tmp_path / "with")
    steps = [line["step"] for line in read_journal(tmp_path / "with") if line["kind"] == "evaluate"]
    assert steps == [6, 8, 10, 12]  # where pictures are seen


def test_the_best_model_at_the_final_size_is_kept_and_not_the_last(
    sets: Path, tmp_path: Path
) -> None:
    figures = iter([0.95, 0.1, 0.9, 0.3])  # the first two are measured in a stage of 8 px
    recipe = tiny_recipe(sets, evaluation=selecting(sets, "held-out/y"))
    scales: list[float] = []

    def scripted(embedder: Embedder, source: Source) -> dict[str, float]:
        assert embedder.head is not None
        scales.append(embedder.head.scale)
        return {"held-out/y": next(figures)}

    trained = pretrain(recipe, tmp_path / "run", watch=Watched(), measure=scripted)
    kept = load_file(trained.model / "model.safetensors")["logit_scale"]
    assert math.exp(float(kept)) == pytest.approx(scales[2])
    assert scales[2] != pytest.approx(scales[3])


def selecting(sets: Path, metric: str) -> dict[str, Any]:
    return {"every": 2, "uris": [str(sets / "held-out.tar")], "select": metric}


def test_a_metric_that_is_not_measured_is_refused(sets: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        pretrain(
            tiny_recipe(sets, evaluation=selecting(sets, "held-out/y")),
            tmp_path,
            watch=Watched(),
            measure=lambda *_: {"z": 1.0},
        )
    assert str(caught.value) == (
        "evaluation.select 'held-out/y' is not measured: choose one of ['z']"
    )


@pytest.mark.parametrize("metric", ["held/acc1", "held-out", "other/acc1", "/acc1"])
def test_a_metric_of_a_set_that_is_not_measured_is_refused_before_the_first_step(
    metric: str, sets: Path, tmp_path: Path
) -> None:
    watched = Watched()
    recipe = tiny_recipe(sets, evaluation=selecting(sets, metric))
    with pytest.raises(DataError) as caught:
        pretrain(recipe, tmp_path, watch=watched, measure=measure)
    assert str(caught.value) == (
        f"evaluation.select {metric!r} is of no set that is measured (held-out.tar): write it as "
        "set/metric"
    )
    assert watched.losses == []


def test_two_sets_of_one_name_are_refused_before_the_first_step(sets: Path, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first = next(sets.glob("*.tar"))
    shutil.copy(first, tmp_path / "again")
    plan = {"every": 2, "uris": [str(first), str(tmp_path / "again" / first.name)]}
    with pytest.raises(DataError, match=r"two sets of evaluation\.uris are called "):
        learnt(sets, tmp_path / "run", evaluation=plan)


def test_a_class_name_that_no_row_holds_is_refused_before_the_first_step(
    sets: Path, tmp_path: Path
) -> None:
    name = "red " * 20
    members: list[TarMember] = [("a.png", colour_picture("red", 0)), ("a.cls", name.encode())]
    write_shard(tmp_path / "long.tar", members)
    watched = Watched()
    recipe = tiny_recipe(sets, evaluation={"every": 2, "uris": [str(tmp_path / "long.tar")]})
    with pytest.raises(DataError) as caught:
        pretrain(recipe, tmp_path / "run", watch=watched, measure=measure)
    assert str(caught.value) == (
        f"long.tar has the class name {name.strip()!r}, which cannot be measured (text 0 has 21 "
        "ids but a row holds 14: shorten it, or embed it with long='cut' or long='window'): leave "
        "it out of evaluation.uris, or raise words.context_length"
    )
    assert watched.losses == []
