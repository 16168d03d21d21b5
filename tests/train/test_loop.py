"""Do the steps teach, and what do they stop at or pass by?"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from safetensors.numpy import load_file

import sightline
from sightline.data import open_source
from sightline.errors import DataError, TrainingError
from sightline.spec.towers import PatchStem, Sigmoid, Spec
from sightline.train import pretrain
from sightline.train.journal import read_journal
from tiny_specs import VIT
from tiny_training import recipe_tree, stage, tiny_recipe, training_spec, write_sets
from training_runs import Watched, accuracy, learnt


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    write_sets(folder / "sets")
    return folder / "sets"


def shuffled_labels(sets: Path, folder: Path) -> list[dict[str, Any]]:
    """Write the labelled set with labels that have nothing to do with the pictures."""
    from tiny_sets import write_shard

    draw = np.random.default_rng(0)
    members = []
    for example in open_source(sets / "labelled.tar"):
        label = ("red", "green", "blue", "grey")[int(draw.integers(4))]
        members += [
            (f"{example.key}.png", example.image),
            (f"{example.key}.cls", label.encode()),
        ]
    write_shard(folder / "shuffled.tar", members)
    source = recipe_tree(sets)["sources"][0]
    return [source | {"uri": str(folder / "shuffled.tar")}]


def test_it_learns_what_it_was_not_shown(sets: Path, tmp_path: Path) -> None:
    only_labels = {"sources": recipe_tree(sets)["sources"][:1]}
    trained, watched = learnt(sets, tmp_path / "run", **only_labels)
    assert watched.losses[-1]["contrast"] < 0.5 * math.log(4)
    assert accuracy(trained.model, sets / "held-out.tar") > 0.9


def test_control_shuffled_labels_teach_nothing(sets: Path, tmp_path: Path) -> None:
    sources = shuffled_labels(sets, tmp_path)
    trained, _ = learnt(sets, tmp_path / "run", sources=sources)
    assert accuracy(trained.model, sets / "held-out.tar") < 0.6


def plain_spec() -> Spec:
    """Return towers without batch norms, whose rows do not see each other."""
    image = replace(VIT, size_px=16, stem=PatchStem(patch=4, bias=False), width=16, heads=2)
    return training_spec(image=image)


def moved(sets: Path, folder: Path, **changes: Any) -> dict[str, np.ndarray]:
    """Train three steps of everything that a step can do, and return all that was learnt."""
    losses = {"contrast": 1.0, "class_head": 0.5, "paraphrase": 0.5, "all_words": 0.5}
    one = stage("s", steps=3, patch_dropout=0.25, losses=losses, warmup=0, **changes)
    recipe = tiny_recipe(sets, spec=plain_spec(), stages=[one])
    pretrain(recipe, folder, watch=Watched())
    return load_file(folder / "state" / "tensors.safetensors")


def farthest(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    """Compare the first moments: sums of gradients, and unlike weights not blurred by Adam."""
    names = [name for name in theirs if name.endswith("/exp_avg")]
    apart = [np.abs(ours[name] - theirs[name]).max() for name in names]
    return float(max(apart) / max(np.abs(theirs[name]).max() for name in names))


def test_a_run_in_micro_batches_learns_what_it_learns_at_once(sets: Path, tmp_path: Path) -> None:
    at_once = moved(sets, tmp_path / "at-once")
    in_parts = moved(sets, tmp_path / "in-parts", micro_batch=3)
    assert farthest(in_parts, at_once) < 1e-4
    smaller = moved(sets, tmp_path / "smaller", batch=3)  # control: other negatives
    assert farthest(smaller, at_once) > 1e-2


def halves(losses: list[dict[str, float]]) -> tuple[list[dict[str, float]], ...]:
    return losses[:10], losses[-10:]


def test_captions_alone_teach_too(sets: Path, tmp_path: Path) -> None:
    sources = recipe_tree(sets)["sources"][1:]
    _, watched = learnt(sets, tmp_path / "run", sources=sources)
    first, last = (np.mean([w["contrast"] for w in part]) for part in halves(watched.losses))
    assert last < 0.75 * first


def test_a_sigmoid_head_learns_end_to_end(sets: Path, tmp_path: Path) -> None:
    spec = training_spec(head=Sigmoid(logit_scale=math.log(10), logit_bias=-3.0))
    sources = recipe_tree(sets)["sources"][:1]
    trained, watched = learnt(sets, tmp_path / "run", spec=spec, sources=sources)
    assert watched.losses[-1]["contrast"] < 0.5 * watched.losses[0]["contrast"]
    assert accuracy(trained.model, sets / "held-out.tar") > 0.9
    model = sightline.load(trained.model)
    assert model.head is not None
    assert (model.head.kind, model.head.bias != -3.0) == ("sigmoid", True)


def test_the_temperature_is_held_below_its_clamp(sets: Path, tmp_path: Path) -> None:
    head = replace(training_spec().head, logit_scale=math.log(9.9999), max_scale=10.0)
    only_labels = recipe_tree(sets)["sources"][:1]
    learnt(sets, tmp_path / "run", spec=training_spec(head=head), sources=only_labels)
    scales = [line["values"]["scale"] for line in read_journal(tmp_path / "run")]
    assert max(scales) <= 10.0001  # it starts at the clamp
    learnt(sets, tmp_path / "free", sources=only_labels)
    free = [line["values"]["scale"] for line in read_journal(tmp_path / "free")]
    assert free[-1] > free[0]  # control: it would rise


def test_a_poisoned_run_stops_and_names_the_batch_and_the_last_good_state(
    sets: Path, tmp_path: Path
) -> None:
    stages = [stage("calm", steps=3), stage("wild", lr=1e38, warmup=0)]
    with pytest.raises(TrainingError) as caught:
        pretrain(tiny_recipe(sets, stages=stages), tmp_path, watch=Watched())
    [report] = tmp_path.glob("not-finite-*.txt")
    step = int(report.stem.rpartition("-")[2])
    keys = report.read_text().split()
    assert step in (4, 5)
    assert len(keys) == 8
    assert str(caught.value).endswith(
        f" is not finite at step {step} (batch of {', '.join(keys)}; all keys in {report}), the "
        f"last good state is that of step 3 in {tmp_path / 'state'}: mend the batch, or begin a "
        "new run with a lower learning rate"
    )
    tensors = load_file(tmp_path / "state" / "tensors.safetensors")
    assert all(np.isfinite(array).all() for array in tensors.values())


def test_bad_pictures_are_passed_by_and_counted_once(sets: Path, tmp_path: Path) -> None:
    from tiny_sets import write_shard

    members = [(f"{n}.png", b"no picture") for n in range(2)]
    members += [(f"{n}.json", b'{"captions": ["a wall", "the wall"]}') for n in range(2)]
    for example in open_source(sets / "captioned.tar"):
        members += [(f"{example.key}.png", example.image), (f"{example.key}.txt", b"a wall")]
    write_shard(tmp_path / "some-bad.tar", sorted(members))
    sources = recipe_tree(sets)["sources"]
    sources[1] |= {"uri": str(tmp_path / "some-bad.tar"), "share": 2.0}
    stages = [stage("s", steps=14)]  # some epochs of it
    watched = Watched(stop_at=9)
    recipe = tiny_recipe(sets, sources=sources, stages=stages, save_every=5)
    pretrain(recipe, tmp_path / "run", watch=watched, stop=watched.stop)
    trained = pretrain(recipe, tmp_path / "run", resume=True, watch=watched)
    [(kind, counted)] = trained.skipped.kinds().items()
    assert (kind, counted.count) == ("bad image", 2)
    assert "bad image: 2" in trained.report.read_text()


def test_a_source_of_bad_pictures_alone_is_refused(sets: Path, tmp_path: Path) -> None:
    from tiny_sets import write_shard

    write_shard(tmp_path / "bad.tar", [("a.png", b"no picture"), ("a.txt", b"a wall")])
    sources = recipe_tree(sets)["sources"]
    sources[1] |= {"uri": str(tmp_path / "bad.tar")}
    with pytest.raises(DataError, match=r"^source 'captions' gave 200 examples in a row that are"):
        pretrain(
            tiny_recipe(sets, sources=sources, stages=[stage("s", steps=99)]),
            tmp_path / "run",
            watch=Watched(),
        )
