"""Public names and the pages that document them are the same."""

import re
import tomllib
from importlib import import_module

import pytest

import reference
from code_tree import PACKAGE, ROOT, python_files

# The command line is documented by its commands; its one Python name is the entry of the program.
NO_PAGE = {"sightline.cli"}


@pytest.mark.parametrize("page", reference.PAGES)
def test_a_reference_page_says_what_the_code_says(page: str) -> None:
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == reference.PAGES[page](), f"docs/{page} is stale: run make docs"


def test_every_package_has_its_table() -> None:
    folders = [path.parent for path in python_files(PACKAGE) if path.name == "__init__.py"]
    names = {".".join(folder.relative_to(PACKAGE.parent).parts) for folder in folders}
    assert names - NO_PAGE == set(reference.PACKAGES)


@pytest.mark.parametrize("package", reference.PACKAGES)
def test_public_names_are_those_that_the_package_lists(package: str) -> None:
    module = import_module(package)
    ours = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "").startswith("sightline")
        # Raised where an extra is missing, and how names are looked up.
        and value.__module__ not in ("sightline.errors", "sightline.later")
        and package != "sightline"  # there, names appear when they are first used
    }
    assert ours <= set(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_public_name_is_explained() -> None:
    bare = [
        f"{package}.{name}"
        for package in reference.PACKAGES
        for name in import_module(package).__all__
        if not reference.first_line(getattr(import_module(package), name))
    ]
    assert bare == []


def test_every_extra_that_a_message_names_can_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    named = {
        extra
        for path in [*python_files(PACKAGE), ROOT / "README.md"]
        for names in re.findall(r"(?:sightline|\.)\[([a-z,]+)\]", path.read_text(encoding="utf-8"))
        for extra in names.split(",")
    }
    assert {"torch", "scale"} <= named <= extras
