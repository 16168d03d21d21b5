"""How ONNX Runtime comes by the weights: by path while that leads to the file that was checked."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest

from sightline.checkpoints import Checkpoint, read, write
from sightline.errors import CheckpointError
from sightline.runtime import onnx_session
from sightline.runtime.onnx_towers import PACKED_AT, OnnxTowers
from sightline.spec.inventory import shapes
from sightline.spec.towers import Spec
from tiny_folder import RECORD
from tiny_specs import TEXT, tiny_spec
from tiny_towers import SPECS, saved, some_ids, some_pixels, tiny_model, unit

TOLERANCE = 1e-5  # as in test_onnx_towers.py: packed products add up in another order


class SpiedOptions(onnxruntime.SessionOptions):  # type: ignore[misc]
    """Notes what sessions are opened with."""

    seen: ClassVar[list[tuple[str, ...]]] = []

    def add_session_config_entry(self, key: str, value: str) -> None:
        self.seen.append((key, value))
        super().add_session_config_entry(key, value)

    def add_external_initializers_from_files_in_memory(self, names: Any, *rest: Any) -> None:
        self.seen.append(("in memory", *names))
        super().add_external_initializers_from_files_in_memory(names, *rest)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Return what sessions are opened with from now on."""
    monkeypatch.setattr(SpiedOptions, "seen", [])
    monkeypatch.setattr(onnxruntime, "SessionOptions", SpiedOptions)
    return SpiedOptions.seen


def towers_of(checkpoint: Checkpoint) -> OnnxTowers:
    return OnnxTowers(checkpoint, threads=1)


def test_a_file_in_its_place_is_given_by_its_path(
    tmp_path: Path, seen: list[tuple[str, ...]]
) -> None:
    towers_of(saved(tmp_path, tiny_model(SPECS["CLIP"]))).text(some_ids())
    assert seen == [(onnx_session.AS_STORED, "1"), (onnx_session.FOLDER, str(tmp_path))]


def test_a_link_out_of_the_folder_is_followed_to_the_file(
    tmp_path: Path, seen: list[tuple[str, ...]]
) -> None:
    saved(tmp_path / "snapshot", tiny_model(SPECS["CLIP"]))
    (tmp_path / "blobs").mkdir()
    link = tmp_path / "snapshot" / "model.safetensors"
    link.rename(tmp_path / "blobs" / "0123abcd")
    link.symlink_to("../blobs/0123abcd")
    towers_of(read(tmp_path / "snapshot")).text(some_ids())
    assert seen[1:] == [(onnx_session.FOLDER, str(tmp_path / "blobs"))]


def test_a_file_that_was_replaced_is_given_as_it_was_read(
    tmp_path: Path, seen: list[tuple[str, ...]]
) -> None:
    towers = towers_of(saved(tmp_path, tiny_model(SPECS["CLIP"], seed=1)))
    saved(tmp_path, tiny_model(SPECS["CLIP"], seed=2))
    towers.text(some_ids())
    assert seen[1:] == [("in memory", "model.safetensors")]


def test_a_file_replaced_during_the_opening_is_given_as_it_was_read(
    tmp_path: Path, seen: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"], seed=1))
    wanted = towers_of(checkpoint).text(some_ids())
    real, other = onnx_session._session, tiny_model(SPECS["CLIP"], seed=2)

    def replacing(*given: Any) -> Any:
        saved(tmp_path, other)
        return real(*given)

    monkeypatch.setattr(onnx_session, "_session", replacing)
    seen.clear()
    assert np.array_equal(towers_of(checkpoint).text(some_ids()), wanted)
    assert ("in memory", "model.safetensors") in seen
    assert not np.array_equal(towers_of(read(tmp_path)).text(some_ids()), wanted)  # control


def test_a_tower_that_is_called_often_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    opened: list[tuple[bool, int]] = []  # packed, and how many sessions there were at that time
    real = onnx_session.open_session

    def open_session(graph: Any, settings: onnx_session.Settings) -> Any:
        opened.append((settings.packed, len(towers._sessions)))
        return real(graph, settings)

    monkeypatch.setattr("sightline.runtime.onnx_towers.open_session", open_session)
    towers = OnnxTowers(checkpoint, threads=1, first=open_session)
    pixels = some_pixels(SPECS["CLIP"])
    first = unit(towers.image(pixels))
    for _ in range(PACKED_AT - 2):
        towers.image(pixels)
    assert opened == [(False, 0)]
    assert np.abs(unit(towers.image(pixels)) - first).max() < TOLERANCE
    towers.image(pixels)
    assert opened == [(False, 0), (True, 0)]  # the other was given up before


# Memory, as the system counts it, of a text tower with 67 MB and an image tower with almost none.
TEXT_MB = 67
RUN = """
import json, os, sys
from pathlib import Path
import numpy as np
from sightline.checkpoints import read
from sightline.runtime.onnx_session import engine
from sightline.runtime.onnx_towers import OnnxTowers

def resident(kind):
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1000

checkpoint = read(sys.argv[1])
if sys.argv[2] == "moved":
    os.utime(checkpoint.weights.path, ns=(1, 1))
engine()
towers = OnnxTowers(checkpoint, threads=1)
said = {}
for tower in sys.argv[3:]:
    before = {kind: resident(kind) for kind in ("RssAnon", "RssFile")}
    rows = np.zeros((1, 3, 32, 32), np.float32) if tower == "image" else np.array([[98, 5, 99]])
    getattr(towers, tower)(rows)
    said[tower] = {kind: resident(kind) - before[kind] for kind in before}
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a model whose weights are all zero, and almost all of the text tower."""
    text = msgspec.structs.replace(TEXT, width=512, heads=4, layers=2, mlp_width=16 * 512)
    spec: Spec = tiny_spec(text=text)
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes(spec).items()}
    folder = tmp_path_factory.mktemp("large") / "model"
    write(folder, spec=spec, tensors=tensors, record=RECORD)
    return folder


def grown(folder: Path, *how: str) -> dict[str, dict[str, float]]:
    """Return by how many MB each tower makes a process grow: its own memory, and pages of files."""
    command = [sys.executable, "-c", RUN, str(folder), *how]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(ran.stdout)
    return found


def test_one_tower_alone_reads_one_tower_and_copies_nothing(large: Path) -> None:
    said = grown(large, "in place", "image", "text")
    assert said["image"]["RssFile"] < TEXT_MB / 2
    assert said["text"]["RssFile"] > TEXT_MB * 0.9  # control: it shows
    assert max(said["image"]["RssAnon"], said["text"]["RssAnon"]) < TEXT_MB / 2


def test_control_a_copy_in_memory_shows(large: Path) -> None:
    assert grown(large, "moved", "text")["text"]["RssAnon"] > TEXT_MB * 0.9


@pytest.mark.parametrize("contents", [b"", b"not a graph", b"\x08\x09\x12\x02hi"])
def test_a_file_that_is_no_graph_is_said(contents: bytes, tmp_path: Path) -> None:
    path = tmp_path / "image.onnx"
    path.write_bytes(contents)
    with pytest.raises(CheckpointError, match=f"^{path} does not open .*: remove it, or make the"):
        onnx_session.open_file(path)
