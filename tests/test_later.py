"""Names are imported when they are first used, once, and none is mistaken for a module."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from sightline.later import later


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a package whose name `loads` is written in `json`, and `ghost` nowhere."""
    made = ModuleType("some_package")
    monkeypatch.setitem(sys.modules, "some_package", made)
    places = {"loads": "json", "ghost": "json"}
    made.__getattr__ = later("some_package", places)  # type: ignore[method-assign]
    return made


def test_a_name_is_looked_up_once(package: ModuleType) -> None:
    import json

    assert "loads" not in vars(package)
    assert package.loads is json.loads
    assert vars(package)["loads"] is json.loads


def test_a_name_that_there_is_not_is_missed_as_in_any_module(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=r"^module 'some_package' has no attribute 'dumps'$"):
        _ = package.dumps
    with pytest.raises(AttributeError, match="'json' has no attribute 'ghost'"):
        _ = package.ghost


def clashes(path: Path) -> set[str]:
    """Return names of a package's table that are modules in its folder as well.

    Importing the module puts it in the place of the name, which is then never looked up.
    """
    code = path.read_text(encoding="utf-8")
    modules = {one.stem for one in path.parent.iterdir()}
    return {name for name in modules if f'"{name}": "sightline.' in code}


def test_no_name_that_is_looked_up_is_a_module_s() -> None:
    import sightline

    assert sightline.__file__ is not None
    inits = list(Path(sightline.__file__).parent.rglob("__init__.py"))
    assert [path for path in inits if clashes(path)] == []
    assert sum("later(" in path.read_text(encoding="utf-8") for path in inits) == 4


def test_control_a_name_that_is_a_module_s_is_found(tmp_path: Path) -> None:
    (tmp_path / "catalog.py").touch()
    (tmp_path / "__init__.py").write_text('{"catalog": "sightline.hub.catalog", "x": "sightline"}')
    assert clashes(tmp_path / "__init__.py") == {"catalog"}
