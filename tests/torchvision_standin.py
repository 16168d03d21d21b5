"""Test against OpenCLIP and transformers where torchvision does not work. Enter at `hide`.

torchvision's published build refuses a torch that it was not built with, so an environment with a
CPU torch often has one that does not import, or none. Nothing needs it but one test, which has a
process of its own. So that every environment tests the same thing, it is hidden for the whole
session, always:

- transformers then knows that there is none, and does without;
- OpenCLIP insists: while it is imported, the few names that it takes (for training transforms,
  which no test uses) are bound to empty classes. `timm`, which needs the real thing, is hidden for
  as long, and OpenCLIP does without its image towers.

A fresh environment needs `pip install --no-deps open_clip_torch` with `regex`, `ftfy` and `tqdm`.
"""

import importlib
import sys
from enum import Enum
from types import ModuleType

CLASSES = "CenterCrop ColorJitter Compose Grayscale Normalize RandomResizedCrop Resize ToTensor"


class InterpolationMode(Enum):
    """Stands as the default of arguments, so its members must exist."""

    BICUBIC = "bicubic"
    BILINEAR = "bilinear"


def hide() -> None:
    """Make torchvision something that cannot be imported or found in this process."""
    sys.modules["torchvision"] = None  # type: ignore[assignment] # the import system's own sign


def _standin() -> dict[str, ModuleType]:
    """Return the modules that OpenCLIP asks for, each with its few names."""
    paths = ("", ".transforms", ".transforms.functional", ".ops", ".ops.misc")
    modules = {f"torchvision{path}": ModuleType(f"torchvision{path}") for path in paths}
    for name in CLASSES.split():
        setattr(modules["torchvision.transforms"], name, type(name, (), {}))
    modules["torchvision.transforms"].InterpolationMode = InterpolationMode  # type: ignore[attr-defined]
    modules["torchvision.ops.misc"].FrozenBatchNorm2d = type("Frozen", (), {})  # type: ignore[attr-defined]
    for path, module in modules.items():  # `import a.b as c` reads b from a
        parent, _, name = path.rpartition(".")
        if parent:
            setattr(modules[parent], name, module)
    return modules


def import_open_clip() -> ModuleType:
    """Return OpenCLIP, imported once, behind the stand-in."""
    if "open_clip" in sys.modules:
        return sys.modules["open_clip"]
    # First, while torchvision is hidden: transformers remembers whether it is there.
    importlib.import_module("transformers").AutoModel  # noqa: B018
    standin = _standin()
    sys.modules.update(standin)
    sys.modules["timm"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("open_clip")
    finally:
        for name in [*standin, "timm"]:
            del sys.modules[name]
        hide()
