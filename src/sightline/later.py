"""Public names that are imported when they are first used. Enter at `later`."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def later(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's `__getattr__`, which imports a name from where it is written (PEP 562).

    A name that most commands do without then costs them nothing.

    Args:
        package: The package's `__name__`.
        places: Public name → the module that defines it.
    """

    def imported(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(places[name]), name)
        setattr(import_module(package), name, value)
        return value

    return imported
