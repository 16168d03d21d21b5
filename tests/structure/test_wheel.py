"""The wheel that `pip install` makes carries all that a model needs, and nothing of the tests."""

import shutil
import subprocess
import sys
from zipfile import ZipFile

import pytest

from code_tree import PACKAGE, ROOT

BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", ".gitignore")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Build the wheel from a copy, as pip does, and return its files."""
    copy = tmp_path_factory.mktemp("copy")
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, copy)
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", copy / "src", ignore=leave)
    stand_in = copy / "src" / "sightline" / "bundled" / "stand-in.safetensors"
    stand_in.parent.mkdir(exist_ok=True)
    stand_in.write_bytes(b"weights")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "built"],
        cwd=copy,
        check=True,
        capture_output=True,
    )
    [built] = (copy / "built").glob("*.whl")
    with ZipFile(built) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_every_file_of_the_package_is_in_it(wheel: dict[str, bytes]) -> None:
    """The bundled model's folder, the merges and the type marker among them."""
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for path in files:
        assert wheel[str(path.relative_to(PACKAGE.parent))] == path.read_bytes()
    names = {str(path.relative_to(PACKAGE)) for path in files}
    assert {"py.typed", "spec/bpe_simple_vocab_16e6.txt.gz"} <= names


def test_weights_are_not_left_out_by_their_kind(wheel: dict[str, bytes]) -> None:
    assert wheel["sightline/bundled/stand-in.safetensors"] == b"weights"


def test_both_licence_files_are_in_it(wheel: dict[str, bytes]) -> None:
    [info] = {name.split("/")[0] for name in wheel if ".dist-info/" in name}
    for name in ("LICENSE", "NOTICE"):
        assert wheel[f"{info}/licenses/{name}"] == (ROOT / name).read_bytes()


def test_nothing_else_is_installed(wheel: dict[str, bytes]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sightline"}


def test_the_program_is_installed(wheel: dict[str, bytes]) -> None:
    [entry] = (content for name, content in wheel.items() if name.endswith("entry_points.txt"))
    assert entry.decode().split() == [
        "[console_scripts]",
        "sightline",
        "=",
        "sightline.cli:program",
    ]
