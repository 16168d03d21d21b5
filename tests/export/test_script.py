"""Twenty lines, for every model there can be."""

import ast
from itertools import product

import pytest

from sightline.export.plan import Format, Plan
from sightline.export.script import script
from sightline.scoring import Class
from sightline.spec import PixelRecipe
from tiny_folder import changed
from tiny_models import tiny_clip_spec

MOST_LINES, LONGEST = 20, 120
RULES = ("shortest", "squash", "longest_pad")
WAYS = list(product(("onnx", "openvino"), ((), (Class("cat"),)), RULES, ("softmax", "sigmoid")))


def recipe(resize: str) -> PixelRecipe:
    return changed(tiny_clip_spec(), pixels={"resize": resize}).pixels


def code_lines(text: str) -> list[str]:
    """Return the lines that are neither empty nor the docstring."""
    return [line for line in text.splitlines() if line and not line.startswith('"""')]


@pytest.mark.parametrize(("layout", "classes", "resize", "head"), WAYS)
def test_no_script_is_longer_than_twenty_lines(
    layout: Format, classes: tuple[Class, ...], resize: str, head: str
) -> None:
    made = script(Plan(format=layout, classes=classes), recipe(resize), head)
    ast.parse(made)
    assert len(code_lines(made)) <= MOST_LINES
    assert max(map(len, made.splitlines())) <= LONGEST


def test_it_asks_for_nothing_else() -> None:
    made = script(Plan(format="onnx"), recipe("shortest"), "softmax")
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(made))
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {str(node.module) for node in ast.walk(ast.parse(made)) if isinstance(node, ast.ImportFrom)}
    assert imported == {"json", "os", "sys", "numpy", "PIL", "tokenizers", "onnxruntime"}


def test_its_first_line_says_how_it_is_called() -> None:
    with_texts = script(Plan(format="onnx"), recipe("squash"), "softmax")
    alone = script(Plan(format="onnx", classes=(Class("cat"),)), recipe("squash"), "softmax")
    assert ast.get_docstring(ast.parse(with_texts)) == (
        "Which label fits a photo best?  python run.py PHOTO LABEL LABEL ..."
    )
    assert ast.get_docstring(ast.parse(alone)) == (
        "Which label fits a photo best?  python run.py PHOTO"
    )
