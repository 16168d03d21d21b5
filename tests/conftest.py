"""What tests of several floors share."""

import os
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

import torchvision_standin

torchvision_standin.hide()

# Before any test imports ONNX Runtime: only our own import of it does this by itself.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# The same of the hub's client, which else asks the hub who is calling it.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

# No clock decides a test: a busy machine is no fault.
settings.register_profile("sightline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sightline")


@pytest.fixture(scope="session")
def open_clip() -> ModuleType:
    """Return OpenCLIP, which is imported behind a stand-in for torchvision."""
    return torchvision_standin.import_open_clip()


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a native folder with a tiny random model over CLIP's vocabulary; do not change it."""
    from tiny_models import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep caches out of the home of whoever runs the tests."""
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "sightline-home"))
    # What a newcomer has without extras, whatever is installed here.
    monkeypatch.setenv("SIGHTLINE_PRECISION", "float32")
