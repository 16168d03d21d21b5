"""OpenVINO's towers against torch's, over every field of a spec; what is kept of them; no trace."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest

from sightline import settings
from sightline.checkpoints import Checkpoint
from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.runtime import kept, openvino_session, openvino_towers
from sightline.runtime.choosing import Choice
from sightline.runtime.openvino_session import computes_bfloat16
from sightline.runtime.openvino_towers import OpenVinoTowers
from sightline.runtime.torch_towers import TorchTowers
from sightline.spec.towers import Spec
from tiny_specs import TEXT, tiny_spec
from tiny_towers import SPECS, distances, saved, some_ids, some_pixels, tiny_model, unit

# float32 in another order of sums; the worst of all specs below was 7e-7.
TOLERANCE = 1e-5
# Eight bits of mantissa through two layers; the worst of those below was 0.02.
ROUGH = 0.06
# A text tower of 6 MB in float32: one that is kept.
KEPT: Spec = tiny_spec(text=msgspec.structs.replace(TEXT, width=256, layers=2, mlp_width=1024))


def towers_of(checkpoint: Checkpoint, precision: str = "float32") -> OpenVinoTowers:
    choice = Choice(runtime="openvino", precision=precision, why="asked for")
    return OpenVinoTowers(checkpoint, choice, threads=1)


@pytest.mark.parametrize("name", SPECS)
def test_every_spec_gives_torch_s_vectors(name: str, tmp_path: Path) -> None:
    model = tiny_model(SPECS[name])
    apart = distances(towers_of(saved(tmp_path, model)), TorchTowers(model), model.spec)
    assert max(apart.values()) < TOLERANCE, apart


@pytest.mark.parametrize("stored", [np.float16, np.float32])
def test_control_another_model_s_vectors_are_far_away(
    tmp_path: Path, stored: type[np.floating]
) -> None:
    model, other = (tiny_model(SPECS["CLIP"], seed=seed) for seed in (0, 1))
    apart = distances(towers_of(saved(tmp_path, other, stored)), TorchTowers(model), model.spec)
    assert min(apart.values()) > ROUGH


@pytest.mark.parametrize("name", ["CLIP", "SigLIP", "hybrid", "ResNet"])
def test_bfloat16_is_rough_and_near_where_it_is_offered(name: str, tmp_path: Path) -> None:
    model = tiny_model(SPECS[name])
    checkpoint = saved(tmp_path, model)
    if not computes_bfloat16():
        with pytest.raises(RuntimeUnavailable):
            towers_of(checkpoint, "bfloat16")
        return
    apart = distances(towers_of(checkpoint, "bfloat16"), TorchTowers(model), model.spec)
    assert TOLERANCE < max(apart.values()) < ROUGH, apart


def test_a_processor_without_bfloat16_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_towers, "computes_bfloat16", lambda: False)
    with pytest.raises(RuntimeUnavailable) as caught:
        towers_of(saved(tmp_path, tiny_model(SPECS["CLIP"])), "bfloat16")
    assert str(caught.value) == (
        "this processor has no bfloat16: use precision 'float32', or runtime 'torch', which "
        "computes it slowly"
    )


def test_trimmed_rows_give_the_vectors_of_whole_rows(tmp_path: Path) -> None:
    towers, ids = towers_of(saved(tmp_path, tiny_model(SPECS["CLIP"]))), some_ids()[:3]
    assert np.abs(unit(towers.text(ids[:, :8])) - unit(towers.text(ids))).max() < TOLERANCE


def test_a_vector_does_not_depend_on_its_neighbours_nor_on_who_asks_meanwhile(
    tmp_path: Path,
) -> None:
    towers = towers_of(saved(tmp_path, tiny_model(SPECS["hybrid"])))
    pixels = some_pixels(SPECS["hybrid"], 6)
    wanted = unit(towers.image(pixels))
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda i: towers.image(pixels[i % 6 : i % 6 + 1]), range(60)))
    for number, vector in enumerate(alone):
        assert np.abs(unit(vector)[0] - wanted[number % 6]).max() < TOLERANCE


def test_no_rows_give_no_vectors(tmp_path: Path) -> None:
    spec = SPECS["CLIP"]
    towers = towers_of(saved(tmp_path, tiny_model(spec)))
    assert towers.image(some_pixels(spec)[:0]).shape == (0, spec.embed_dim)
    assert towers.text(some_ids()[:0]).shape == (0, spec.embed_dim)
    assert towers.patches(some_pixels(spec)[:0]).shape == (0, spec.image.grid**2, spec.embed_dim)


def test_weights_whose_file_was_replaced_stay_what_was_opened(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    wanted = towers_of(checkpoint).text(some_ids())
    saved(tmp_path, tiny_model(SPECS["CLIP"], seed=1))
    assert np.abs(unit(towers_of(checkpoint).text(some_ids())) - unit(wanted)).max() < TOLERANCE


@pytest.fixture
def towers_folder() -> Path:
    home = settings.home()
    assert home is not None
    return home / "towers"


def counted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that each tower is added to that is compiled."""
    made: list[object] = []
    real = openvino_session._compile

    def compile_tower(graph: object, how: openvino_session.Settings) -> object:
        made.append(graph)
        return real(graph, how)  # type: ignore[arg-type]

    monkeypatch.setattr(openvino_session, "_compile", compile_tower)
    return made


def test_a_tower_is_compiled_once(
    tmp_path: Path, towers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, made = saved(tmp_path, tiny_model(KEPT)), counted(monkeypatch)
    wanted = unit(towers_of(checkpoint).text(some_ids()))
    for _ in range(2):
        assert np.array_equal(unit(towers_of(checkpoint).text(some_ids())), wanted)
    assert len(made) == 1
    [place] = towers_folder.iterdir()
    assert {path.name for path in place.iterdir()} == {"compiled", "sha256", "state"}


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "gone"])
def test_what_is_damaged_is_compiled_again(
    damage: str, tmp_path: Path, towers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, made = saved(tmp_path, tiny_model(KEPT)), counted(monkeypatch)
    wanted = unit(towers_of(checkpoint).text(some_ids()))
    [place] = towers_folder.iterdir()
    contents = bytearray((place / "compiled").read_bytes())
    contents[len(contents) // 2] ^= 1
    if damage == "gone":
        (place / "compiled").unlink()
    else:
        left = {"flipped": len(contents), "cut": len(contents) // 2, "empty": 0}[damage]
        (place / "compiled").write_bytes(contents[:left])
    for _ in range(2):
        assert np.abs(unit(towers_of(checkpoint).text(some_ids())) - wanted).max() < TOLERANCE
    assert len(made) == 2


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, towers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(graph: object, how: object, folder: Path) -> None:
        (folder / "compiled").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(openvino_session, "_write", full)
    model = tiny_model(KEPT)
    vectors = towers_of(saved(tmp_path, model)).text(some_ids())
    assert np.abs(unit(vectors) - unit(TorchTowers(model).text(some_ids()))).max() < TOLERANCE
    assert list(towers_folder.iterdir()) == []


def test_another_precision_is_another_tower(tmp_path: Path, towers_folder: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(KEPT))
    for precision in ("float32", "bfloat16")[: 1 + computes_bfloat16()]:
        towers_of(checkpoint, precision).text(some_ids())
    assert len(list(towers_folder.iterdir())) == 1 + computes_bfloat16()


def test_a_broken_graph_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    monkeypatch.setattr("sightline.runtime.tower_graph.build", lambda *_: b"no graph")
    with pytest.raises(CheckpointError, match=r"text\.onnx does not compile \("):
        towers_of(checkpoint).text(some_ids())


OPEN = """
import sys
import numpy as np
from sightline.checkpoints import read
from sightline.runtime import open_towers
vector = open_towers(read(sys.argv[1]), runtime="openvino", threads=1).text(np.array([[98, 5, 99]]))
print(vector.shape, [name for name in sys.modules if "telemetry" in name or name == "torch"])
"""


def test_processes_at_once_leave_no_trace_but_their_towers(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path / "m", tiny_model(KEPT))
    user, home = tmp_path / "user", tmp_path / "home"
    user.mkdir()
    environment = os.environ | {"HOME": str(user), "SIGHTLINE_HOME": str(home)}
    command = [sys.executable, "-c", OPEN, str(checkpoint.folder)]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(3)
    ]
    assert {one.communicate()[0].strip() for one in started} == {f"(1, {KEPT.embed_dim}) []"}
    assert list(user.iterdir()) == []  # importing all of OpenVINO writes an id here
    assert len(list((home / "towers").glob("[0-9a-f]*"))) == 1


def test_the_oldest_make_room(
    tmp_path: Path, towers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    for seed in range(3):
        towers_of(saved(tmp_path / str(seed), tiny_model(KEPT, seed=seed))).text(some_ids())
    assert len(list(towers_folder.iterdir())) == 2
