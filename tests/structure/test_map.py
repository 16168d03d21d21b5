"""docs/map.md leads from every behaviour to files and tests that are there."""

import re
from pathlib import Path

from code_tree import PACKAGE, ROOT, python_files

MAP = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| [^|]+ \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
PATH = re.compile(r"`([\w./*-]+)`")


def paths(cell: str, folder: Path) -> list[Path]:
    """Return the paths that a cell names, below a folder."""
    return [folder / name for name in PATH.findall(cell)]


def rows() -> list[tuple[list[Path], list[Path]]]:
    """Return the files and the tests of every row."""
    found = [row for row in ROW.findall(MAP) if PATH.search(row[0])]
    return [(paths(files, PACKAGE), paths(tests, ROOT / "tests")) for files, tests in found]


def test_every_path_of_the_map_exists() -> None:
    named = [path for files, tests in rows() for path in files + tests]
    assert [str(path) for path in named if not path.exists()] == []
    assert len(named) > 100


def test_every_behaviour_has_a_file_and_a_test() -> None:
    assert all(files and tests for files, tests in rows())


def test_every_module_is_on_the_map() -> None:
    named = {path for files, _ in rows() for path in files}
    missing = [
        str(path.relative_to(PACKAGE))
        for path in python_files(PACKAGE)
        if path.name != "__init__.py" and not named & {path, path.parent}
    ]
    assert missing == []


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://)([^)#]+)", readme)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
