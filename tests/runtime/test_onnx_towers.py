"""ONNX Runtime's towers against torch's, over every field of a spec; and graphs that lie."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from sightline.checkpoints import Checkpoint, read
from sightline.errors import CheckpointError
from sightline.runtime import onnx_session
from sightline.runtime.export import export_graphs
from sightline.runtime.graphs import binding
from sightline.runtime.onnx_towers import OnnxTowers
from sightline.runtime.torch_towers import TorchTowers
from sightline.runtime.tower_graph import TowerGraph
from tiny_towers import SPECS, distances, saved, some_ids, some_pixels, tiny_model, unit

# float32 in another order of sums; the worst of all specs below was 5.8e-7.
TOLERANCE = 1e-5


def towers_of(checkpoint: Checkpoint) -> OnnxTowers:
    """Open with one thread: tiny towers gain nothing from more, and tests run side by side."""
    return OnnxTowers(checkpoint, threads=1)


@pytest.mark.parametrize("name", SPECS)
def test_every_spec_gives_torch_s_vectors(name: str, tmp_path: Path) -> None:
    model = tiny_model(SPECS[name])
    apart = distances(towers_of(saved(tmp_path, model)), TorchTowers(model), model.spec)
    assert max(apart.values()) < TOLERANCE, apart


@pytest.mark.parametrize("name", ["CLIP", "SigLIP", "hybrid", "ResNet"])
def test_half_precision_weights_run_in_float32(name: str, tmp_path: Path) -> None:
    model = tiny_model(SPECS[name])
    checkpoint = saved(tmp_path, model, np.float16)
    rounded = {n: t.half().float() if t.is_floating_point() else t for n, t in state(model)}
    model.load_state_dict(rounded)
    apart = distances(towers_of(checkpoint), TorchTowers(model), model.spec)
    assert max(apart.values()) < TOLERANCE, apart


def state(model: Any) -> list[tuple[str, Any]]:
    return list(model.state_dict().items())


def test_control_the_rounding_of_half_precision_shows(tmp_path: Path) -> None:
    model = tiny_model(SPECS["CLIP"])
    apart = distances(towers_of(saved(tmp_path, model, np.float16)), TorchTowers(model), model.spec)
    assert min(apart.values()) > 10 * TOLERANCE


CONTROLS: Mapping[str, tuple[str, str, dict[str, object]]] = {  # spec, tower, what is wrong
    "image: exact GELU for quick": ("CLIP", "image", {"activation": "gelu"}),
    "image: tanh GELU for exact": ("image: exact GELU", "image", {"activation": "gelu_tanh"}),
    "image: eps": ("CLIP", "image", {"norm_eps": 1e-6}),
    "image: heads": ("CLIP", "image", {"heads": 2}),
    "image: pool": ("CLIP", "image", {"pool": "mean"}),
    "image: norm after the mean": ("hybrid", "image", {"final_norm": "after_pool"}),
    "ResNet: heads": ("ResNet", "image", {"heads": 8}),
    "text: exact GELU for quick": ("CLIP", "text", {"activation": "gelu"}),
    "text: tanh GELU for exact": ("text: exact GELU", "text", {"activation": "gelu_tanh"}),
    "text: eps": ("CLIP", "text", {"norm_eps": 1e-6}),
    "text: heads": ("CLIP", "text", {"heads": 2}),
    "text: no causal mask": ("CLIP", "text", {"causal": False}),
    "text: causal mask": ("SigLIP", "text", {"causal": True}),
    "text: pool": ("CLIP", "text", {"pool": "last"}),
    "text: first for last": ("text: bidirectional", "text", {"pool": "first"}),
    "text: another end token": ("hybrid", "words", {"end_id": 97}),
}


def mistaken(checkpoint: Checkpoint, part: str, changes: dict[str, object]) -> Checkpoint:
    """Return the checkpoint with a wrong record of one of its parts."""
    spec = checkpoint.spec
    changed = msgspec.structs.replace(getattr(spec, part), **changes)
    return dataclasses.replace(checkpoint, spec=msgspec.structs.replace(spec, **{part: changed}))


@pytest.mark.parametrize("wrong", CONTROLS)
def test_control_a_graph_of_a_wrong_spec_is_caught(wrong: str, tmp_path: Path) -> None:
    name, part, changes = CONTROLS[wrong]
    model = tiny_model(SPECS[name])
    towers = towers_of(mistaken(saved(tmp_path, model), part, changes))
    apart = distances(towers, TorchTowers(model), model.spec)
    assert apart["image" if part == "image" else "text"] > 2 * TOLERANCE, apart


@pytest.mark.parametrize("name", ["CLIP", "hybrid"])
def test_trimmed_rows_give_the_vectors_of_whole_rows(name: str, tmp_path: Path) -> None:
    towers = towers_of(saved(tmp_path, tiny_model(SPECS[name])))
    ids = some_ids()[:3]  # 7 ids at most
    assert np.abs(unit(towers.text(ids[:, :8])) - unit(towers.text(ids))).max() < TOLERANCE


def test_a_vector_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    towers = towers_of(saved(tmp_path, tiny_model(SPECS["hybrid"])))
    pixels, ids = some_pixels(SPECS["hybrid"], 5), some_ids()
    alone = np.concatenate([towers.image(pixels[i : i + 1]) for i in range(5)])
    assert np.abs(unit(alone) - unit(towers.image(pixels))).max() < TOLERANCE
    alone = np.concatenate([towers.text(ids[i : i + 1]) for i in range(4)])
    assert np.abs(unit(alone) - unit(towers.text(ids))).max() < TOLERANCE


def test_any_number_of_threads_gives_the_same_vectors(tmp_path: Path) -> None:
    model = tiny_model(SPECS["hybrid"])
    checkpoint = saved(tmp_path, model)
    one, two = OnnxTowers(checkpoint, threads=1), OnnxTowers(checkpoint, threads=2)
    assert max(distances(one, two, model.spec).values()) < TOLERANCE


def test_no_rows_give_no_vectors(tmp_path: Path) -> None:
    towers = towers_of(saved(tmp_path, tiny_model(SPECS["CLIP"])))
    assert towers.image(some_pixels(SPECS["CLIP"], 0)).shape == (0, 24)
    assert towers.patches(some_pixels(SPECS["CLIP"], 0)).shape == (0, 16, 24)
    assert towers.text(some_ids()[:0]).shape == (0, 24)


def test_one_tower_opens_one_session(tmp_path: Path) -> None:
    opened: list[str] = []
    real = onnx_session.open_session

    def open_session(graph: TowerGraph, *others: Any) -> Any:
        opened.append(graph.path.name)
        return real(graph, *others)

    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    towers = OnnxTowers(checkpoint, threads=1, first=open_session)
    towers.image(some_pixels(SPECS["CLIP"]))
    assert opened == ["image.onnx"]


@pytest.mark.parametrize("beside", ["another model's", "no graph"])
def test_a_graph_beside_the_weights_is_not_run(tmp_path: Path, beside: str) -> None:
    saved(tmp_path / "other", tiny_model(SPECS["CLIP"], seed=1))
    export_graphs(tmp_path / "other")
    checkpoint = saved(tmp_path / "m", tiny_model(SPECS["CLIP"], seed=2))
    wanted = towers_of(checkpoint).text(some_ids())
    foreign = (tmp_path / "other" / "text.onnx").read_bytes()
    # Nor does it help to carry the name of the model that it lies beside.
    theirs, ours = (binding(read(tmp_path / one)).encode() for one in ("other", "m"))
    assert theirs in foreign
    named = foreign.replace(theirs, ours)
    graph = tmp_path / "m" / "text.onnx"
    graph.write_bytes(named if beside == "another model's" else b"no graph")
    assert np.array_equal(towers_of(checkpoint).text(some_ids()), wanted)


def refusal(towers: OnnxTowers) -> str:
    with pytest.raises(CheckpointError) as caught:
        towers.image(some_pixels(SPECS["CLIP"]))
    return str(caught.value)


def test_weights_that_do_not_belong_to_the_spec_are_refused(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    path = checkpoint.weights.path
    assert refusal(towers_of(mistaken(checkpoint, "image", {"layers": 3}))) == (
        f"{path} lacks image.blocks.2.attention_norm.weight (shape [32]): "
        "its weights do not belong to its spec"
    )
    assert refusal(towers_of(mistaken(checkpoint, "image", {"mlp_width": 64}))) == (
        f"{path} has image.blocks.0.mlp.up.weight as F32 of shape [48, 32] where its spec asks "
        "for floats of shape [64, 32]: its weights do not belong to its spec"
    )
    assert refusal(towers_of(mistaken(checkpoint, "image", {"pre_norm": False}))) == (
        f"{path} has 2 tensors that its spec knows nothing of (image.pre_norm.bias, "
        "image.pre_norm.weight): its weights do not belong to its spec"
    )


def test_weights_behind_a_link_out_of_the_folder_are_read(tmp_path: Path) -> None:
    wanted = towers_of(saved(tmp_path / "m", tiny_model(SPECS["CLIP"]))).text(some_ids())
    (tmp_path / "m" / "model.safetensors").rename(tmp_path / "blob")
    (tmp_path / "m" / "model.safetensors").symlink_to(tmp_path / "blob")
    assert np.array_equal(towers_of(read(tmp_path / "m")).text(some_ids()), wanted)


def test_towers_opened_late_read_the_model_that_was_opened(tmp_path: Path) -> None:
    first = tiny_model(SPECS["CLIP"], seed=1)
    towers = towers_of(saved(tmp_path, first))
    saved(tmp_path, tiny_model(SPECS["CLIP"], seed=2))
    assert max(distances(towers, TorchTowers(first), first.spec).values()) < TOLERANCE


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["onnx"] = None
import numpy as np
from sightline.checkpoints import read
from sightline.errors import RuntimeUnavailable
from sightline.runtime import open_towers
from sightline.runtime.export import export_graphs
export_graphs(sys.argv[1])
checkpoint = read(sys.argv[1])
print(open_towers(checkpoint).text(np.array([[98, 5, 99]])).shape)
try:
    open_towers(checkpoint, runtime="torch")
except RuntimeUnavailable as error:
    print(error)
"""


def test_neither_torch_nor_the_onnx_package_is_needed(tmp_path: Path) -> None:
    saved(tmp_path, tiny_model(SPECS["CLIP"]))
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.splitlines() == [
        "(1, 24)",
        "runtime 'torch' needs torch, which is an extra: install sightline[torch]",
    ], ran.stderr


LEAVES = """
import sys
from sightline.checkpoints import read
from sightline.runtime.onnx_towers import OnnxTowers
OnnxTowers(read(sys.argv[1])).open("text")
"""


def left_at_home(tmp_path: Path, code: str) -> list[str]:
    folder, home = tmp_path / "model", tmp_path / "home"
    saved(folder, tiny_model(SPECS["CLIP"]))
    home.mkdir()
    # With CI set, ONNX Runtime keeps quiet by itself, and the control would show nothing.
    gone = ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "CI")
    environment = {name: value for name, value in os.environ.items() if name not in gone}
    environment["HOME"] = str(home)
    subprocess.run([sys.executable, "-c", code, str(folder)], env=environment, check=True)
    return sorted(path.name for path in home.rglob("*"))


def test_running_leaves_nothing_at_home(tmp_path: Path) -> None:
    assert left_at_home(tmp_path, LEAVES) == []


def test_control_what_onnx_runtime_would_have_left_is_seen(tmp_path: Path) -> None:
    assert "deviceid" in left_at_home(tmp_path, f"import onnxruntime\n{LEAVES}")
