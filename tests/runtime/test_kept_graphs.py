"""What is kept of a tower between runs: used when it fits, made again when it does not."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from sightline import settings
from sightline.checkpoints import Checkpoint, read
from sightline.errors import CheckpointError
from sightline.runtime import kept, kept_graphs, onnx_session
from sightline.runtime.kept_graphs import open_kept
from sightline.runtime.onnx_towers import OnnxTowers
from sightline.runtime.tower_graph import TowerGraph
from sightline.spec.towers import Spec
from tiny_specs import TEXT, tiny_spec
from tiny_towers import saved, some_ids, some_pixels, tiny_model, unit

# A text tower of 6 MB in float32, and an image tower of a few kB.
SPEC: Spec = tiny_spec(text=msgspec.structs.replace(TEXT, width=256, layers=2, mlp_width=1024))
SAME = 1e-6  # simplified or not, sums are of the same numbers; 1.2e-7 was seen


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return saved(tmp_path / "m", tiny_model(SPEC), np.float16)


@pytest.fixture
def towers_folder() -> Path:
    """Return where towers are kept, in this test's own cache."""
    home = settings.home()
    assert home is not None
    return home / "towers"


def text_of(checkpoint: Checkpoint, *, kept: bool = True) -> np.ndarray:
    """Return vectors of towers that are opened anew."""
    opener = open_kept if kept else onnx_session.open_session
    return unit(OnnxTowers(checkpoint, threads=1, first=opener).text(some_ids()))


def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list that each folder is added to that something is simplified into."""
    into: list[Path] = []
    real = onnx_session.simplify

    def simplify(graph: TowerGraph, folder: Path) -> None:
        into.append(folder)
        real(graph, folder)

    monkeypatch.setattr(kept_graphs, "simplify", simplify)
    return into


def test_a_tower_is_simplified_once(
    checkpoint: Checkpoint, towers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = made(monkeypatch)
    wanted = text_of(checkpoint, kept=False)
    assert not towers_folder.exists()
    for _ in range(3):
        assert np.abs(text_of(checkpoint) - wanted).max() < SAME
    assert len(into) == 1
    [place] = towers_folder.iterdir()
    assert {path.name for path in place.iterdir()} == {"tower.onnx", "tensors", "sha256", "state"}


def test_control_what_is_kept_is_what_runs(
    checkpoint: Checkpoint, towers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = text_of(checkpoint)
    [place] = towers_folder.iterdir()
    tensors = np.frombuffer((place / "tensors").read_bytes(), np.float32)
    (place / "tensors").write_bytes((tensors[::-1]).tobytes())
    monkeypatch.setattr(kept, "_digest", lambda _: (place / "sha256").read_text())
    assert np.abs(text_of(checkpoint) - before).max() > 0.1


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list that each folder is added to whose files are hashed."""
    read: list[Path] = []
    real = kept._digest

    def digest(place: Path) -> str:
        read.append(place)
        return real(place)

    monkeypatch.setattr(kept, "_digest", digest)
    return read


def test_files_that_nobody_touched_are_not_hashed_again(
    checkpoint: Checkpoint, towers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text_of(checkpoint)
    [place] = towers_folder.iterdir()
    read = hashed(monkeypatch)
    text_of(checkpoint)
    assert read == []
    os.utime(place / "tensors", (0, 0))  # as a copy of the cache leaves it
    for _ in range(2):
        text_of(checkpoint)
    assert read == [place]


@pytest.mark.parametrize("contents", [None, b"other"])
def test_a_tower_without_its_state_is_hashed(
    checkpoint: Checkpoint,
    towers_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    contents: bytes | None,
) -> None:
    text_of(checkpoint)
    [place] = towers_folder.iterdir()
    (place / "state").unlink()
    if contents is not None:
        (place / "state").write_bytes(contents)
    read, into = hashed(monkeypatch), made(monkeypatch)
    text_of(checkpoint)
    assert (read, into) == ([place], [])


def test_other_weights_in_the_same_place_are_another_tower(
    checkpoint: Checkpoint, tmp_path: Path, towers_folder: Path
) -> None:
    first = text_of(checkpoint)
    other = saved(tmp_path / "m", tiny_model(SPEC, seed=1), np.float16)
    assert np.abs(text_of(other) - first).max() > 0.1
    assert np.abs(text_of(other) - text_of(other, kept=False)).max() < SAME
    assert len(list(towers_folder.iterdir())) == 2


def test_weights_whose_file_was_replaced_are_not_looked_for(
    checkpoint: Checkpoint, tmp_path: Path, towers_folder: Path
) -> None:
    wanted = text_of(checkpoint)
    saved(tmp_path / "m", tiny_model(SPEC, seed=1), np.float16)
    assert np.abs(text_of(checkpoint) - wanted).max() < SAME  # what was opened, as before
    assert len(list(towers_folder.iterdir())) == 1


@pytest.mark.parametrize("name", ["tower.onnx", "tensors", "sha256"])
@pytest.mark.parametrize("left", [0, 60, None, "a flipped bit"])
def test_what_is_damaged_is_made_again(
    checkpoint: Checkpoint,
    towers_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    left: int | str | None,
) -> None:
    wanted = text_of(checkpoint)
    [place] = towers_folder.iterdir()
    contents = bytearray((place / name).read_bytes())
    if left is None:
        (place / name).unlink()
    elif isinstance(left, int):
        (place / name).write_bytes(contents[:left])
    else:
        contents[len(contents) // 2] ^= 1
        (place / name).write_bytes(contents)
    into = made(monkeypatch)
    for _ in range(2):
        assert np.abs(text_of(checkpoint) - wanted).max() < SAME
    assert len(into) == 1


def test_whatever_an_engine_makes_of_damage_it_is_made_again(tmp_path: Path) -> None:
    place, path = tmp_path / "towers" / "ab", tmp_path / "towers" / "ab" / "tower"

    def make(folder: Path) -> None:
        (folder / "tower").write_text("right", encoding="ascii")

    def open_made(folder: Path) -> str:
        return (folder / "tower").read_text(encoding="ascii")

    assert kept.opened(place, make, open_made) == "right"
    path.write_bytes(b"wr\xffng")
    with pytest.raises(UnicodeDecodeError):  # control: an error that is none of ours
        open_made(place)
    assert kept.opened(place, make, open_made) == "right"


def test_a_cache_that_cannot_be_written_to_is_not_used(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = text_of(checkpoint, kept=False)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "file"))
    assert np.abs(text_of(checkpoint) - wanted).max() < SAME


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), CheckpointError("no")])
def test_a_full_disk_leaves_nothing_behind(
    checkpoint: Checkpoint,
    towers_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    def full(graph: object, folder: Path) -> None:
        (folder / "tower.onnx").write_bytes(b"half")
        raise fault

    monkeypatch.setattr(kept_graphs, "simplify", full)
    assert np.abs(text_of(checkpoint) - text_of(checkpoint, kept=False)).max() < SAME
    assert list(towers_folder.iterdir()) == []


def test_small_towers_and_large_ones_are_not_kept(
    checkpoint: Checkpoint, towers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    OnnxTowers(checkpoint, threads=1, first=open_kept).image(some_pixels(SPEC))
    monkeypatch.setattr(kept_graphs, "MOST_BYTES", kept.LEAST_BYTES + 1)
    text_of(checkpoint)
    assert not towers_folder.exists()


def test_the_oldest_make_room(
    checkpoint: Checkpoint, tmp_path: Path, towers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    for seed in range(4):
        text_of(saved(tmp_path / str(seed), tiny_model(SPEC, seed=seed), np.float16))
        assert len(list(towers_folder.iterdir())) <= 2
    into = made(monkeypatch)
    text_of(read(tmp_path / "3"))
    assert into == []


OPEN = """
import sys
from sightline.checkpoints import read
from sightline.runtime import open_towers
print(open_towers(read(sys.argv[1])).text.__self__.open("text") is not None)
"""


def test_processes_at_once_all_get_their_towers(
    checkpoint: Checkpoint, towers_folder: Path
) -> None:
    command = [sys.executable, "-c", OPEN, str(checkpoint.folder)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [one.communicate()[0].strip() for one in started] == ["True"] * 4
    assert len(list(towers_folder.iterdir())) == 1
    assert np.abs(text_of(checkpoint) - text_of(checkpoint, kept=False)).max() < SAME
