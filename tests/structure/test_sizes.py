"""How large a file, a function and a package may grow before it holds two concepts."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from statistics import quantiles

import pytest

from code_tree import PACKAGE, ROOT, functions, module_name, python_files, tree

FILE_LINES = 300
FUNCTION_LINES = 60
FUNCTION_LINES_OF_NINE_IN_TEN = 35
ARGUMENTS = 6
NESTING = 3
FOLDERS = 3  # parts of a path below the package or the tests, the file included
PUBLIC_NAMES = 12
PUBLIC_NAMES_OF = {
    "sightline": 15,
    "sightline.spec": 13,  # whoever describes a model needs each of its parts: one place for all
}


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines, decorators aside."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count what a caller gives."""
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([one for one in named if one.arg not in ("self", "cls")])


def nesting(node: ast.AST, depth: int = 0) -> int:
    """Return how deep decisions and loops stand in each other; `elif` goes no deeper."""
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        is_deeper = isinstance(child, ast.If | ast.For | ast.While | ast.Match) and not is_elif
        deepest = max(deepest, nesting(child, depth + is_deeper))
    return deepest


def faults(name: str, module: ast.Module, *, any_arguments: bool) -> Iterator[str]:
    """Name each function that is too large."""
    for one in functions(module):
        if lines(one) > FUNCTION_LINES:
            yield f"{name}: {one.name} has {lines(one)} lines"
        if arguments(one) > ARGUMENTS and not any_arguments:
            yield f"{name}: {one.name} takes {arguments(one)} arguments"
        if nesting(one) > NESTING:
            yield f"{name}: {one.name} nests {nesting(one)} deep"


def is_table(module: ast.Module) -> bool:
    """Tell a file that only holds data: it may be long."""
    kinds = ast.Assign | ast.AnnAssign | ast.Expr | ast.Import | ast.ImportFrom
    return all(isinstance(node, kinds) for node in module.body)


def test_no_file_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in python_files()
        if (count := path.read_text(encoding="utf-8").count("\n")) > FILE_LINES
        and not is_table(tree(path))
    }
    assert long == {}


def test_no_function_is_too_large() -> None:
    found: list[str] = []
    for path in python_files():
        # A verb takes its flags, a test its fixtures: neither is called by hand.
        free = path.is_relative_to(PACKAGE / "cli") or path.is_relative_to(ROOT / "tests")
        found += faults(str(path.relative_to(ROOT)), tree(path), any_arguments=free)
    assert found == []


def test_nine_functions_in_ten_are_small() -> None:
    sizes = [lines(one) for path in python_files(PACKAGE) for one in functions(tree(path))]
    assert quantiles(sizes, n=10)[-1] <= FUNCTION_LINES_OF_NINE_IN_TEN


@pytest.mark.parametrize("folder", [PACKAGE, ROOT / "tests"], ids=["package", "tests"])
def test_no_file_stands_too_deep(folder: Path) -> None:
    paths = [path.relative_to(folder) for path in python_files(folder)]
    assert [str(path) for path in paths if len(path.parts) > FOLDERS] == []


def test_no_package_offers_too_many_names() -> None:
    found: dict[str, int] = {}
    for path in python_files(PACKAGE):
        if path.name == "__init__.py" and path.parent != PACKAGE / "cli":
            module = import_module(module_name(path))
            if len(module.__all__) > PUBLIC_NAMES_OF.get(module.__name__, PUBLIC_NAMES):
                found[module.__name__] = len(module.__all__)
    assert found == {}


def test_control_a_function_that_outgrew_each_limit_is_caught() -> None:
    body = "\n".join(f" x = {number}" for number in range(60))
    large = f"def grown(a, b, c, d, *, e, f, g):\n{body}"
    deep = (
        "def deep(self, a):\n for b in a:\n  with b:\n   if b:\n    while b:\n     if c:\n      d"
    )
    flat = "def flat(a):\n if a:\n  b\n elif c:\n  d\n elif e:\n  f\n else:\n  for g in h:\n   i"
    module = ast.parse(f"{large}\n{deep}\n{flat}")
    assert list(faults("here", module, any_arguments=False)) == [
        "here: grown has 61 lines",
        "here: grown takes 7 arguments",
        "here: deep nests 4 deep",
    ]


def test_control_a_file_with_a_function_is_no_table() -> None:
    assert is_table(ast.parse('"""Rows."""\nROWS = (1, 2)'))
    assert not is_table(ast.parse("ROWS = (1, 2)\ndef row(): ..."))
