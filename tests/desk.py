"""A folder as a newcomer's would be, in which commands and README blocks run. Enter at `lay`."""

from pathlib import Path

import pytest

from code_tree import ROOT
from sightline.checkpoints import reading
from sightline.verify import write_canaries
from tiny_models import encoded, picture, write_tiny_model


def lay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a folder that holds what the examples name; the bundled model is a tiny random one."""
    model = write_tiny_model(folder / "model")
    write_canaries(model)
    monkeypatch.setattr(reading, "BUNDLED", model)
    monkeypatch.delenv("SIGHTLINE_MODEL", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    (folder / "photo.jpg").write_bytes(encoded(picture(0), "JPEG"))
    for number, name in enumerate(("cup", "plate")):
        (folder / "shelf" / name).mkdir(parents=True)
        (folder / "shelf" / name / "front.png").write_bytes(encoded(picture(number)))
    for name in ("photos", "recipes"):
        (folder / name).symlink_to(ROOT / name)
    monkeypatch.chdir(folder)
