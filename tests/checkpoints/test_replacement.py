"""Writers that are killed, that collide, and that run out of room: real processes, real kills."""

import subprocess
import sys
from pathlib import Path

import pytest

from sightline.checkpoints import read, verify_digests
from sightline.checkpoints.replacement import previous_of, replace_file, replacing
from sightline.errors import CheckpointError
from tiny_folder import write_some

TESTS = Path(__file__).parents[1]


def start(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Run code in another interpreter that can import what these tests import."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys\nsys.path.insert(0, {str(TESTS)!r})\n{code}"]
        + [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output(process: "subprocess.Popen[str]") -> str:
    """Wait for the process to end well and return what it said."""
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said.strip()


# Forks once for each system call that changes files, and kills the child right before it; the
# folder must then read as the old model or the new one, and the next write must succeed.
KILLED_EVERYWHERE = """
import os, signal
from pathlib import Path
from tiny_folder import write_some
from sightline.checkpoints import read, verify_digests

CHANGES = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}
folder = Path(sys.argv[1])

def write_and_die(at, seed):
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        if event in CHANGES:
            seen += 1
            if seen == at:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    write_some(folder, seed)
    os._exit(0)

old = write_some(folder, 0).fingerprint
deaths = gaps = news = 0
while True:
    child = os.fork()
    if not child:
        write_and_die(deaths + 1, deaths + 1)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        break
    deaths += 1
    gaps += not folder.exists()
    found = read(folder)
    verify_digests(found)
    seed = int(found.weights["image.bn.count"])
    assert seed in (0, deaths), (seed, deaths)
    news += seed == deaths
    assert write_some(folder, 0).fingerprint == old
    left = sorted(path.name for path in folder.parent.iterdir() if path.name != "sightline-home")
    assert left == [folder.name], left
print(deaths, gaps, news)
"""


def test_a_writer_killed_anywhere_leaves_the_old_model_or_the_new_one(tmp_path: Path) -> None:
    deaths, gaps, news = map(int, output(start(KILLED_EVERYWHERE, tmp_path / "m")).split())
    assert deaths >= 10
    assert gaps >= 1  # the one moment at which no folder bears the name was among them
    assert 1 <= news < deaths


WRITER = """
from pathlib import Path
from tiny_folder import write_some
for _ in range(25):
    write_some(Path(sys.argv[1]), int(sys.argv[2]), origin=sys.argv[2])
"""


def test_two_writers_and_a_reader_never_meet_half_a_model(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    write_some(folder, 1, origin="1")
    writers = [start(WRITER, folder, seed) for seed in (1, 2)]
    origins = []
    while any(writer.poll() is None for writer in writers):
        found = read(folder)
        verify_digests(found)
        assert int(found.weights["image.bn.count"]) == int(found.origin)
        origins.append(found.origin)
    assert [output(writer) for writer in writers] == ["", ""]
    assert set(origins) == {"1", "2"}
    assert {path.name for path in tmp_path.iterdir()} - {"sightline-home"} == {"m"}


FULL_DISK = """
import resource
from pathlib import Path
from tiny_folder import write_some
from sightline.errors import CheckpointError
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
try:
    write_some(Path(sys.argv[1]), 2)
except CheckpointError as error:
    print(error)
"""


def test_a_write_that_finds_no_room_says_so_and_leaves_the_old_model(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    old = write_some(folder).fingerprint
    assert output(start(FULL_DISK, folder)) == (
        f"model folder {folder} cannot be written (File too large): free some space or choose "
        "another place; what was there before is untouched"
    )
    assert read(folder).fingerprint == old
    assert {path.name for path in tmp_path.iterdir()} - {"sightline-home"} == {"m"}


def test_a_writer_at_work_keeps_its_draft(tmp_path: Path) -> None:
    with replacing(tmp_path / "m") as draft:
        (draft / "slow").write_text("still writing")
        write_some(tmp_path / "m")
        assert (draft / "slow").exists()
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["slow"]


def test_a_block_that_fails_changes_nothing(tmp_path: Path) -> None:
    old = write_some(tmp_path / "m").fingerprint
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "m") as draft:
        (draft / "half").rename(draft / "whole")
    assert read(tmp_path / "m").fingerprint == old
    assert {path.name for path in tmp_path.iterdir()} - {"sightline-home"} == {"m"}


def test_a_link_stays_a_link_to_the_new_model(tmp_path: Path) -> None:
    write_some(tmp_path / "real", 1)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    new = write_some(tmp_path / "link", 2)
    assert (tmp_path / "link").is_symlink()
    assert read(tmp_path / "real").fingerprint == new.fingerprint


def test_a_name_full_of_pattern_signs_is_only_a_name(tmp_path: Path) -> None:
    with replacing(tmp_path / "other") as draft:
        write_some(tmp_path / "*")
        assert draft.exists()


def test_where_the_old_folder_steps_aside(tmp_path: Path) -> None:
    assert previous_of(tmp_path / "m") == tmp_path / ".m.previous"


def test_control_half_a_folder_is_noticed(tmp_path: Path) -> None:
    folder = write_some(tmp_path / "m").folder
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError):
        read(folder)


def test_a_file_that_cannot_take_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    place = tmp_path / "figures"
    (place / "taken").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        replace_file(place, b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["figures"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    place = tmp_path / "figures"
    replace_file(place, b"a longer content")
    replace_file(place, b"new", b" content")
    assert place.read_bytes() == b"new content"
