"""The project's own files, as the tests of its structure read them. Enter at `modules`."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "sightline"
FOLDERS = (PACKAGE, ROOT / "tests", ROOT / "benchmarks", ROOT / "docs")


class Import(NamedTuple):
    """One imported module."""

    name: str
    line: int
    kind: str  # "top", "inside" a function, or "types" for a type checker's eyes alone


@cache
def python_files(folder: Path = ROOT) -> tuple[Path, ...]:
    """Return the project's Python files in or under a folder."""
    found = (path for one in FOLDERS for path in sorted(one.rglob("*.py")))
    return tuple(path for path in found if path.is_relative_to(folder))


@cache
def tree(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module_name(path: Path) -> str:
    """Return the dotted name of a module of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(module: ast.Module) -> Iterator[Import]:
    """Find every import of a module, wherever it stands."""
    yield from _imports(module, "top")


def _imports(node: ast.AST, kind: str) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, node.lineno, kind) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        # `from sightline import images` imports a module; every other form names it in full.
        whole = node.module in ("sightline", None)
        names = [f"{node.module}.{alias.name}" for alias in node.names] if whole else [node.module]
        yield from (Import(str(name), node.lineno, kind) for name in names)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        kind = "inside"
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for statement in node.body:
            yield from _imports(statement, "types" if kind == "top" else kind)
        for statement in node.orelse:
            yield from _imports(statement, kind)
        return
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, kind)


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Find every function and method of a module."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
