"""The floors of the house, lowest first: who may import whom, and what from outside."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from code_tree import PACKAGE, ROOT, Import, imports, module_name, python_files, tree

# Floors from the ground up, those in one row being neighbours that may not know each other. Then
# what each may import from outside beside NumPy and msgspec: a star marks an extra, or a library
# too slow for the first moment, which is imported only inside the function that needs it.
# docs/decisions.md says why `data` needs pyarrow and tokenizers, and who may need torch at once.
FLOORS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("errors", "later", "settings", "shapes"), ""),
    (("regular_file",), ""),
    (("spec",), "tokenizers* ftfy* PIL*"),
    (("model",), "torch"),
    (("tensors",), ""),
    (("checkpoints",), "tokenizers* torch*"),
    (("hub",), "huggingface_hub* httpx2*"),
    (("runtime",), "onnxruntime* onnx* openvino* torch*"),
    (("images",), "PIL pillow_heif*"),
    (("scoring",), ""),
    (("embedder",), ""),
    (("data",), "pyarrow* tokenizers*"),
    (("measure",), "PIL"),
    (("train",), "PIL torch safetensors tensorboard* matplotlib*"),
    (("evaluate",), "matplotlib*"),
    (("verify",), ""),
    (("export",), "tokenizers*"),
    (("search",), "faiss* psycopg* lancedb*"),
    (("serve",), "fastapi* uvicorn*"),
    (("cli",), "click rich*"),
)
EVERYWHERE = {"numpy", "msgspec"}
HEIGHT = {floor: level for level, (row, _) in enumerate(FLOORS) for floor in row}
OUTSIDE = {floor: allowed.split() for row, allowed in FLOORS for floor in row}

# These import torch where they begin, because their classes are torch's: each is imported by the
# rest only inside a function.
BEHIND_A_DOOR = ("sightline.model", "sightline.train", "sightline.runtime.torch_towers")


def floor_of(module: str) -> str:
    """Return the floor on which a module of the package stands."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "sightline"


def faults(module: str, found: Import) -> str | None:
    """Say what is wrong with one import, or nothing."""
    floor, outside = floor_of(module), found.name.split(".")[0]
    if outside == "sightline":
        below = floor_of(found.name)
        if below == floor or floor == "sightline" or HEIGHT[below] < HEIGHT[floor]:
            return None
        return f"{module}:{found.line} imports {found.name}, which is not on a lower floor"
    if outside in sys.stdlib_module_names | EVERYWHERE or found.kind == "types":
        return None
    if outside in OUTSIDE[floor] or (outside == "torch" and module.startswith(BEHIND_A_DOOR)):
        return None
    if f"{outside}*" in OUTSIDE[floor]:
        where = f"{module}:{found.line} imports {outside} where it begins"
        return None if found.kind == "inside" else f"{where}: import it where it is needed"
    return f"{module}:{found.line} imports {outside}, which {floor} may not know"


def test_every_floor_imports_only_what_its_row_allows() -> None:
    found = [
        faults(module_name(path), one)
        for path in python_files(PACKAGE)
        for one in imports(tree(path))
    ]
    assert [fault for fault in found if fault] == []
    assert len(found) > 400  # the walk finds imports at all


def test_every_folder_and_file_of_the_package_stands_on_a_floor() -> None:
    there = {floor_of(module_name(path)) for path in python_files(PACKAGE)} - {"sightline"}
    assert there <= HEIGHT.keys()


@pytest.mark.parametrize(
    ("module", "line", "fault"),
    [
        (
            "sightline.spec.words",
            "from sightline.runtime import Towers",
            "sightline.spec.words:1 imports sightline.runtime, which is not on a lower floor",
        ),
        (
            "sightline.errors",
            "from sightline import settings",
            "sightline.errors:1 imports sightline.settings, which is not on a lower floor",
        ),
        (
            "sightline.scoring.heads",
            "def late():\n import torch.nn",
            "sightline.scoring.heads:2 imports torch, which scoring may not know",
        ),
        (
            "sightline.data.source",
            "import pyarrow.parquet as parquet",
            "sightline.data.source:1 imports pyarrow where it begins: import it where it is needed",
        ),
        ("sightline.data.source", "def late():\n import pyarrow", None),
        ("sightline.cli.classify", "if TYPE_CHECKING:\n import torch", None),
        ("sightline.model.clip", "import torch", None),
    ],
)
def test_control_an_import_upwards_or_too_early_is_caught(
    module: str, line: str, fault: str | None
) -> None:
    [found] = imports(ast.parse(line))
    assert faults(module, found) == fault


# What the core is installed without, and one library of each extra beside it.
EXTRAS = "torch onnx tensorboard matplotlib pyarrow pillow_heif transformers open_clip sklearn"
IMPORT_ALL = f"""
import importlib, sys
for name in {EXTRAS.split()}:
    sys.modules[name] = None
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def core_modules() -> list[str]:
    """Return every module that a core install must be able to import."""
    names = [module_name(path) for path in python_files(PACKAGE)]
    return [name for name in names if not name.startswith(BEHIND_A_DOOR)]


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_module_of_the_core_imports_without_any_extra() -> None:
    ran = python(IMPORT_ALL, *core_modules())
    assert (ran.returncode, ran.stderr) == (0, "")


def test_control_a_module_that_needs_an_extra_does_not_import_without_it() -> None:
    ran = python(IMPORT_ALL, "sightline.model.clip")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        "sightline.errors.RuntimeUnavailable: the network needs torch, which is an extra: "
        "install sightline[torch]"
    )


LOADED = """
import sys, runpy
sys.argv = ["sightline", *sys.argv[1:]]
try:
    from sightline.cli import run
    run()
except SystemExit:
    pass
heavy = "numpy PIL msgspec torch onnxruntime tokenizers ftfy rich huggingface_hub".split()
print("loaded:", [name for name in heavy if name in sys.modules])
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_the_first_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert python(LOADED, *arguments).stdout.splitlines()[-1] == "loaded: []"


# What a person waits for who asks the bundled model about one photo. All else stays on disk.
FOR_OTHERS = """
huggingface_hub httpx2 ftfy torch importlib.metadata email.message secrets gzip zipfile pickletools
sightline.hub.client sightline.hub.published sightline.hub.spelling sightline.spec.architectures
sightline.spec.byte_pairs sightline.checkpoints.published sightline.checkpoints.huggingface
sightline.checkpoints.openclip sightline.checkpoints.converting sightline.checkpoints.writing
sightline.tensors.torch_archive sightline.runtime.torch_towers sightline.data sightline.evaluate
"""
LOADED_OF = f"""
import sys
from sightline.cli import run
try:
    run()
except SystemExit as stop:
    print("code:", stop.code)
print("loaded:", [name for name in {FOR_OTHERS.split()} if name in sys.modules])
"""


@pytest.mark.parametrize("verb", ["classify --labels cat,dog", "similarity --text cat"])
def test_looking_at_a_photo_loads_nothing_that_it_does_not_need(verb: str) -> None:
    ran = python(LOADED_OF, *verb.split(), str(ROOT / "photos" / "cat.jpg"))
    assert ran.stdout.splitlines()[-2:] == ["code: 0", "loaded: []"]


def test_labels_whose_vectors_are_kept_need_no_tokenizer() -> None:
    asked = ("classify", "--labels", "cat,dog", str(ROOT / "photos" / "cat.jpg"))
    words = "sightline.spec.tokenizer_file"
    code = LOADED_OF.replace("in [", f"in ['tokenizers', 'rich', '{words}', ", 1)
    first, second = python(code, *asked), python(code, *asked)
    assert words in first.stdout.splitlines()[-1]
    assert second.stdout.splitlines()[-1] == "loaded: []"
    assert second.stdout.splitlines()[:-1] == first.stdout.splitlines()[:-1]


def test_control_a_name_that_is_looked_up_loads_what_it_needs() -> None:
    ran = python(LOADED_OF, "models", "list", "ViT-B-32")
    assert "'sightline.hub.client'" in ran.stdout.splitlines()[-1]


def test_control_a_verb_that_works_loads_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "not.jpg").write_bytes(b"")
    ran = python(LOADED, "data", "inspect", str(tmp_path))
    assert "'msgspec'" in ran.stdout.splitlines()[-1]
