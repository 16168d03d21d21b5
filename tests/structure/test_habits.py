"""What no file of the project does."""

import ast
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

from code_tree import PACKAGE, ROOT, module_name, python_files, tree

DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "lib"}
# The one place that turns whatever goes wrong into a sentence and an exit code.
TOP = "sightline.cli.main"


def catches_all(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler swallows what it cannot know; it may tidy and raise again."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    caught = "Exception" if handler.type is None else ast.unparse(handler.type)
    return re.search(r"\b(Base)?Exception\b", caught) is not None


def faults(module: str, code: ast.Module) -> Iterator[str]:
    """Name what only the top floor may do, where another does it."""
    for node in ast.walk(code):
        where = f"{module}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.ExceptHandler) and module != TOP and catches_all(node):
            yield f"{where} catches everything"
        if module.startswith("sightline.cli"):
            continue
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called in ("print", "exit", "quit", "sys.exit", "os._exit", "input", "breakpoint"):
            yield f"{where} calls {called}"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.argv", "sys.stdout"):
            yield f"{where} uses {ast.unparse(node)}"
        if isinstance(node, ast.Global):
            yield f"{where} changes a global"


def test_only_the_top_floor_prints_reads_arguments_exits_or_catches_everything() -> None:
    found = [one for path in python_files(PACKAGE) for one in faults(module_name(path), tree(path))]
    assert found == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("try: a\nexcept: b", "catches everything"),
        ("try: a\nexcept (OSError, Exception): b", "catches everything"),
        ("print(a)", "calls print"),
        ("sys.exit(1)", "calls sys.exit"),
        ("a = sys.argv", "uses sys.argv"),
        ("def a():\n global b", "changes a global"),
    ],
)
def test_control_each_of_these_is_caught_below(line: str, said: str) -> None:
    assert [one.partition(" ")[2] for one in faults("sightline.data.tape", ast.parse(line))] == [
        said
    ]


def test_a_handler_that_tidies_and_raises_again_may_catch_everything() -> None:
    tidying = ast.parse("try: a\nexcept BaseException:\n b\n raise")
    assert list(faults("sightline.data.tape", tidying)) == []


def test_no_module_is_a_drawer_for_everything() -> None:
    assert [str(path) for path in python_files() if path.stem in DRAWERS] == []


def test_nothing_is_left_for_later_in_the_code() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    found = [
        str(path.relative_to(ROOT))
        for path in python_files(PACKAGE)
        if later.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    pattern = re.compile(r"pytest\.(skip|mark\.skip|mark\.xfail|importorskip)|unittest\.skip")
    here = Path(__file__)
    found = [
        str(path.relative_to(ROOT))
        for path in python_files(ROOT / "tests")
        if path != here and pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


# Behaviour of a floor as a whole, which no one file has.
OF_A_FLOOR = {"train/test_crashes.py"}
OF_THE_WHOLE = {"structure", "parity"}  # the house, and all floors held against other libraries


def test_every_file_of_tests_is_named_after_what_it_tests() -> None:
    """`test_words.py` and `test_words_fuzzed.py` test `words.py`; two folders test no one file."""
    strays: list[str] = []
    for path in python_files(ROOT / "tests"):
        where = path.relative_to(ROOT / "tests")
        apart = where.parts[0] in OF_THE_WHOLE or str(where) in OF_A_FLOOR
        if not path.name.startswith("test_") or apart:
            continue
        parts = path.stem.removeprefix("test_").split("_")
        names = {"_".join(parts[:count]) for count in range(1, len(parts) + 1)}
        names |= {"__init__"} if parts == ["init"] else set()
        folder = PACKAGE / where.parent
        if not any((folder / f"{name}.py").exists() for name in names):
            strays.append(str(where))
    assert strays == []


def committed() -> list[Path]:
    """Return the files under version control, or all where there is none (an unpacked archive)."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        return [*python_files()]
    paths = [ROOT / name for name in ran.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


# Where people and build machines keep their things: no committed file knows such a place.
PRIVATE = re.compile(rb"(?<![\w.])/(?:root|home|Users|work|farm|mnt|media)/\w")


def test_no_committed_file_names_a_place_on_somebodys_machine() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in committed()
        if path != Path(__file__) and b"\0" not in (content := path.read_bytes())
        if PRIVATE.search(content)
    ]
    assert found == []


def test_control_a_place_on_somebodys_machine_is_found() -> None:
    assert PRIVATE.search(b'open("/home/ann/photo.jpg")')
    assert not PRIVATE.search(b"see https://example.org/home/page and docs/home/x")


def test_no_test_reads_outside_the_repository() -> None:
    """A path that leaves the repository may be named, as an example of an address, never opened."""
    opened = re.compile(r"(Path|open|read\w*)\(\s*f?[\"'](\.\./)+shared")
    here = Path(__file__)
    found = [
        str(path.relative_to(ROOT))
        for path in python_files(ROOT / "tests")
        if path != here and opened.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_test_can_reach_the_network() -> None:
    with pytest.warns(match="tried to use socket"), pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket(socket.AF_INET)
