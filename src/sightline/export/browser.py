"""The page that runs an export in a browser. Enter at `write_page`."""

import shutil
from importlib.resources import files
from pathlib import Path

from sightline.errors import CheckpointError

PAGE = ("index.html", "page.css", "page.js", "model.js", "pixels.js")
FOLDER = "onnxruntime-web"
# What of its package runs on a processor: the others are for graphics cards.
ENGINE = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")


def write_page(draft: Path, engine: Path | None) -> None:
    """Write the page into a folder with an image tower and class vectors.

    Args:
        draft: The folder.
        engine: The npm package onnxruntime-web as it was installed; None: the page asks for it.

    Raises:
        CheckpointError: The package is not there.
        OSError: The disk is full.
    """
    for name in PAGE:
        (draft / name).write_bytes(files("sightline.export").joinpath("page", name).read_bytes())
    if engine is None:
        return
    (draft / FOLDER).mkdir()
    for name in ENGINE:
        path = engine / "dist" / name
        if not path.is_file():
            raise CheckpointError(
                f"{engine} is not the npm package onnxruntime-web, {path} is missing: run "
                "`npm install onnxruntime-web` and give node_modules/onnxruntime-web"
            )
        shutil.copyfile(path, draft / FOLDER / name)
