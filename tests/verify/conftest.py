"""Models with canaries, written once for all tests of this floor."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from tiny_canaries import guarded, guarded_as


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model with canaries that no test changes."""
    return guarded(tmp_path_factory.mktemp("canaries") / "model")


@pytest.fixture
def own(kept: Path, tmp_path: Path) -> Path:
    """Return one that a test may change."""
    return copytree(kept, tmp_path / "model")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the same in two other libraries' layouts; no test changes them."""
    folder = tmp_path_factory.mktemp("published")
    layouts = ("huggingface", "openclip")
    return {layout: guarded_as(folder / layout, layout) for layout in layouts}


@pytest.fixture
def copied(published: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """Return what copies one of them for a test to change."""
    return lambda layout: copytree(published[layout], tmp_path / layout)
