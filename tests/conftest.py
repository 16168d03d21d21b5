"""What tests of several floors share."""

from types import ModuleType

import pytest

import torchvision_standin

torchvision_standin.hide()


@pytest.fixture(scope="session")
def open_clip() -> ModuleType:
    """Return OpenCLIP, which is imported behind a stand-in for torchvision."""
    return torchvision_standin.import_open_clip()
