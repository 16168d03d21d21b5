"""A folder to run commands in, and a way to run them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ran import Ran
from served_hub import hub
from sightline.cli.main import exit_code
from tiny_models import encoded, picture

__all__ = ["hub"]  # the others are found by where they stand


@pytest.fixture
def desk(tmp_path: Path, tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with pictures in it and a tiny model as the default."""
    folder = tmp_path / "desk"
    (folder / "photos").mkdir(parents=True)
    (folder / "photo.jpg").write_bytes(encoded(picture(0), "JPEG"))
    for number in range(3):
        (folder / "photos" / f"{number}.png").write_bytes(encoded(picture(number)))
    (folder / "empty.jpg").write_bytes(b"")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SIGHTLINE_MODEL", str(tiny_model_folder))
    monkeypatch.setenv("COLUMNS", "100")
    return folder


@pytest.fixture
def run(desk: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Return a function that runs a command in this process."""

    def run_command(*arguments: str) -> Ran:
        capsys.readouterr()
        code = exit_code(arguments)
        return Ran(code, *capsys.readouterr())

    return run_command
