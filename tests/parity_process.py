"""Ask a reference library for what it says of its own models, in a process of its own.

    python tests/parity_process.py LIBRARY FOLDER [CASE …]

There the library has all that it asks for: OpenCLIP and OpenAI's code import torchvision, and
OpenCLIP's SigLIP towers are timm's; none of that is loaded where our tests run. For each case
named, or each small one of `parity_<library>.py`, this writes a folder with the model's files as
the library itself writes them, `batch.npz` with what its own processor and tokenizer made of
pictures and texts, and `stages-<precision>.npz` with what its network says of them. Enter at
`main`.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType


def main(library: str, root: str, names: list[str]) -> None:
    """Write the cases that are named; without a name, all but those of full size."""
    let_torchvision_in()
    import numpy as np
    import torch

    asked = import_module(f"parity_{library}")
    cases = {**asked.CASES, **asked.FULL}
    torch.manual_seed(0)
    for name in names or asked.CASES:
        folder = Path(root) / name
        folder.mkdir(parents=True)
        opened = cases[name](folder)
        batch = opened.batch
        np.savez(folder / "batch.npz", pixels=batch.pixels, ids=batch.ids)
        (folder / "texts.json").write_text(json.dumps(batch.texts), encoding="utf-8")
        for precision in opened.precisions:
            with torch.inference_mode():
                stages = opened.stages(precision, batch)
            np.savez(folder / f"stages-{precision}.npz", **stages)


def let_torchvision_in() -> None:
    """Make torchvision importable beside a torch that it was not built with.

    `torchvision_processor.py` says why two of its modules have to stay empty for that.
    """
    for described in ("_meta_registrations", "_autograd_registrations"):
        sys.modules[f"torchvision.{described}"] = ModuleType(f"torchvision.{described}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
