"""Whole runs: begun, stopped, gone on with, refused."""

from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from safetensors.numpy import load_file

from sightline import checkpoints
from sightline.errors import DataError, RuntimeUnavailable, TrainingError
from sightline.train import pretrain
from sightline.train.pretraining import settle
from sightline.train.run import build_run
from tiny_training import recipe_tree, stage, tiny_recipe, write_sets
from training_runs import Watched, learnt, same_weights


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    write_sets(folder / "sets")
    return folder / "sets"


def test_a_run_that_is_stopped_goes_on_with_later_stages_changed(
    sets: Path, tmp_path: Path
) -> None:
    watched = Watched(stop_at=6)
    recipe = tiny_recipe(sets)
    trained = pretrain(recipe, tmp_path / "run", watch=watched, stop=watched.stop)
    assert (trained.steps, trained.is_done, len(watched.losses)) == (6, False, 6)
    longer = replace(recipe, stages=[*recipe.stages[:2], replace(recipe.stages[2], steps=6)])
    trained = pretrain(longer, tmp_path / "run", resume=True, watch=watched)
    assert (trained.steps, trained.is_done, len(watched.losses)) == (14, True, 14)
    pretrain(longer, tmp_path / "unbroken", watch=Watched())
    assert same_weights(tmp_path / "unbroken", tmp_path / "run")


def test_a_run_folder_is_not_begun_twice_nor_resumed_unbegun(sets: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(sets)
    with pytest.raises(TrainingError) as caught:
        pretrain(recipe, tmp_path / "run", resume=True, watch=Watched())
    assert str(caught.value) == (
        f"there is no run in {tmp_path / 'run'} to resume: leave resume out to begin it"
    )
    watched = Watched(stop_at=1)
    pretrain(recipe, tmp_path / "run", watch=watched, stop=watched.stop)
    with pytest.raises(TrainingError) as caught:
        pretrain(recipe, tmp_path / "run", watch=watched)
    assert str(caught.value) == (
        f"run folder {tmp_path / 'run'} already holds a run: resume it, or choose another folder"
    )


def test_an_attempt_that_failed_leaves_the_folder_free(sets: Path, tmp_path: Path) -> None:
    sources = recipe_tree(sets)["sources"]
    sources[0] |= {"reads": "labels", "uri": str(sets / "captioned.tar")}
    with pytest.raises(DataError, match="is read by labels and has 0"):
        pretrain(tiny_recipe(sets, sources=sources), tmp_path, watch=Watched())
    watched = Watched(stop_at=1)
    assert pretrain(tiny_recipe(sets), tmp_path, watch=watched, stop=watched.stop).steps == 1


def test_an_evaluation_without_something_that_measures_is_refused(sets: Path) -> None:
    plan = {"every": 2, "uris": []}
    with pytest.raises(DataError) as caught:
        pretrain(tiny_recipe(sets, evaluation=plan), Path("unused"), watch=Watched())
    assert str(caught.value) == (
        "the recipe has an evaluation and nothing that measures was handed in"
    )


def test_auto_is_settled_once_for_a_run(sets: Path) -> None:
    begun = tiny_recipe(sets, precision="bfloat16")
    again = settle(tiny_recipe(sets, device="auto", precision="auto"), begun)
    assert (again.device, again.precision) == ("cpu", "bfloat16")


def test_a_run_goes_on_with_the_threads_it_was_begun_with(sets: Path) -> None:
    begun = settle(tiny_recipe(sets, threads=0))
    assert begun.threads == torch.get_num_threads()
    assert settle(tiny_recipe(sets, threads=0), tiny_recipe(sets, threads=5)).threads == 5
    assert settle(tiny_recipe(sets, threads=3), tiny_recipe(sets, threads=5)).threads == 3


def test_a_device_that_is_not_there_is_refused(sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeUnavailable) as caught:
        settle(tiny_recipe(sets, device="cuda"))
    assert str(caught.value) == "device 'cuda' is not there: set device to 'cpu'"


def test_others_keep_their_threads_and_their_chance(sets: Path, tmp_path: Path) -> None:
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    watched = Watched(stop_at=5)
    pretrain(tiny_recipe(sets), tmp_path / "run", watch=watched, stop=watched.stop)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_run_can_begin_from_a_model_folder(sets: Path, tmp_path: Path) -> None:
    first, _ = learnt(sets, tmp_path / "first")
    recipe = tiny_recipe(sets, vocabulary=0, init=str(first.model), stages=[stage("s", lr=1e-9)])
    second = pretrain(recipe, tmp_path / "second", watch=Watched())
    ours, theirs = (load_file(run.model / "model.safetensors") for run in (first, second))
    names = [name for name in ours if "running" not in name and "tracked" not in name]
    assert all(ours[name] == pytest.approx(theirs[name], abs=1e-3) for name in names)
    tokenizers = [(run.model / "tokenizer.json").read_bytes() for run in (first, second)]
    assert tokenizers[0] == tokenizers[1]


def test_a_model_says_what_it_began_from_and_under_which_terms(sets: Path, tmp_path: Path) -> None:
    first, _ = learnt(sets, tmp_path / "first")
    sources = recipe_tree(sets)["sources"][:1]
    recipe = tiny_recipe(
        sets,
        name="on",
        license="MIT",
        vocabulary=0,
        init=str(first.model),
        sources=[sources[0] | {"terms": "other terms"}],
        stages=[stage("s", steps=2, warmup=0)],
    )
    record = checkpoints.read(pretrain(recipe, tmp_path / "second", watch=Watched()).model).record
    assert record.origin == (
        "pretrained by Sightline with the recipe 'on', "
        "from a model pretrained by Sightline with the recipe 'tiny'"
    )
    assert record.license == "MIT; and, of the model that it began from, unknown"
    assert record.training_data == (
        "colours: made for a test",
        "captions: made for a test",
        "colours: other terms",
    )


# What torch warns of while it imports its compiler
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("compiled", [True, False])
def test_towers_are_compiled_where_the_recipe_says_so(
    compiled: bool, sets: Path, tmp_path: Path
) -> None:
    run = build_run(tiny_recipe(sets, compile=compiled), tmp_path)
    towers = (run.learner.model.image, run.learner.model.text)
    assert [tower._compiled_call_impl is not None for tower in towers] == [compiled] * 2
    assert not any("_orig_mod" in name for name in run.learner.tensors())  # states stay readable


def test_compiling_without_a_compiler_is_refused_before_anything_is_read(
    sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_recipe(sets, compile=True)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(RuntimeUnavailable) as caught:
        settle(recipe)
    assert str(caught.value) == (
        "compile on a CPU needs the C++ compiler no-such-compiler, which is not there: install it, "
        "name another in CXX, or set compile to false"
    )
    assert settle(replace(recipe, compile=False)).compile is False
