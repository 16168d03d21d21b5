"""What a machine without torch is told."""

import importlib
import sys

import pytest

from sightline.errors import RuntimeUnavailable


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # the import system's sign for "not there"
    monkeypatch.delitem(sys.modules, "sightline.model", raising=False)
    with pytest.raises(RuntimeUnavailable) as caught:
        importlib.import_module("sightline.model")
    assert str(caught.value) == (
        "the network needs torch, which is an extra: install sightline[torch]"
    )
