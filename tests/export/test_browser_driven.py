"""The page in a real Chromium: pixels, vectors, labels are Python's. `make browser` runs these."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from code_tree import PACKAGE, ROOT
from sightline import images
from sightline.checkpoints import Checkpoint, read
from sightline.embedder import Embedder, embedder_of
from sightline.export import Plan, export
from sightline.export.browser import ENGINE, FOLDER
from sightline.export.plan import Precision
from sightline.scoring import Class
from tiny_folder import changed
from tiny_models import picture, tiny_clip_spec
from tiny_pictures import SAMPLES

pytestmark = pytest.mark.browser

HERE = ROOT / "tests" / "browser"
PHOTOS = sorted((ROOT / "photos").glob("*.jpg"))
LABELS = ("cat", "dog", "duck", "horse", "koala", "polar bear", "boat", "flower", "sunset")
NEAR: Mapping[Precision, float] = {"float32": 0.999999, "float16": 0.999999, "int8": 0.999}


def modules() -> Path:
    """Return where `make browser` installed what these tests need."""
    return Path(os.environ["SIGHTLINE_BROWSER"]).absolute()


@dataclass(frozen=True)
class Driven:
    """What a page did."""

    errors: list[str]
    outside: list[str]
    found: list[dict[str, Any]]


def drive(folder: Path, files: Sequence[Path]) -> Driven:
    """Choose files on an exported page, one after the other."""
    shown = folder.parent / f"{folder.name}.png"
    paths = map(str, (modules(), os.environ["CHROMIUM"], folder, shown, *files))
    command = ["node", str(HERE / "drive.mjs"), *paths]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert shown.stat().st_size > 5000
    return Driven(**json.loads(ran.stdout))


def paged(checkpoint: Checkpoint, folder: Path, precision: Precision = "float32") -> Path:
    """Export a page with its engine."""
    engine = modules() / "node_modules" / "onnxruntime-web"
    classes = tuple(Class(name) for name in LABELS)
    plan = Plan(
        format="onnx", precision=precision, classes=classes, page=True, browser_engine=engine
    )
    export(checkpoint, folder, plan)
    return folder


def cosines(model: Embedder, files: Sequence[Path], driven: Driven) -> list[float]:
    """Compare the page's vectors with a model's."""
    own = model.embed_images(files)
    return [
        float(vector @ np.array(one["vector"]))
        for vector, one in zip(own, driven.found, strict=True)
    ]


@pytest.mark.parametrize("precision", NEAR)
def test_pixels_vectors_and_labels_are_python_s(precision: Precision, tmp_path: Path) -> None:
    checkpoint = read()
    driven = drive(paged(checkpoint, tmp_path / "out", precision), PHOTOS)
    assert (driven.errors, driven.outside) == ([], [])
    runs_in = "int8" if precision == "int8" else "float32"
    model = embedder_of(checkpoint, runtime="onnxruntime", precision=runs_in)
    for photo, one in zip(PHOTOS, driven.found, strict=True):
        rgb = images.read(photo)
        assert np.array_equal(one["rgb"], rgb.ravel())  # both decode with libjpeg-turbo
        assert np.array_equal(one["seen"], checkpoint.spec.pixels.square(rgb).ravel())
    print("lowest cosine:", min(cosines(model, PHOTOS, driven)))
    assert min(cosines(model, PHOTOS, driven)) >= NEAR[precision]
    own = model.classify(PHOTOS, LABELS, none_of_these=False)
    assert [one["shown"][0] for one in driven.found] == own.best()
    shares = np.array([one["scores"] for one in driven.found])
    assert np.abs(shares - own.scores).max() < (0.05 if precision == "int8" else 1e-4)
    assert driven.found[0]["said"].startswith("Each bar is a label's share among the labels")


def test_control_another_mean_is_seen_in_the_vectors(tmp_path: Path) -> None:
    folder = paged(read(), tmp_path / "out")
    place = folder / "preprocessing.json"
    said = json.loads(place.read_text(encoding="utf-8"))
    place.write_text(json.dumps(said | {"mean": [0.3, 0.4, 0.5]}), encoding="utf-8")
    driven = drive(folder, PHOTOS[:2])
    assert max(cosines(embedder_of(read()), PHOTOS[:2], driven)) < 0.9999


def test_a_picture_is_upright_and_what_is_transparent_lies_over_white(tmp_path: Path) -> None:
    files = []
    for name in ("JPEG", "PNG", "PNG alpha", "PNG palette", "WebP lossless"):
        files.append(tmp_path / f"{name}.{name.split()[0].lower()}")
        files[-1].write_bytes(SAMPLES[name]())
    driven = drive(paged(read(), tmp_path / "out"), files)
    assert driven.errors == []
    for path, one in zip(files, driven.found, strict=True):
        own = images.read(path).astype(int).ravel()
        assert np.abs(own - np.array(one["rgb"])).max() <= 2, path.name


def test_what_is_no_picture_is_said_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture", encoding="utf-8")
    driven = drive(paged(read(), tmp_path / "out"), [tmp_path / "notes.jpg", PHOTOS[0]])
    assert driven.errors == []
    assert driven.found[0]["said"] == "notes.jpg is no picture that this browser reads."
    assert len(driven.found[1]["shown"]) == len(LABELS)


def test_a_missing_engine_is_asked_for(tmp_path: Path) -> None:
    folder = paged(read(), tmp_path / "out")
    (folder / FOLDER / ENGINE[0]).unlink()
    driven = drive(folder, PHOTOS[:1])
    assert driven.found[0]["said"] == (
        "onnxruntime-web is not in this folder: run `npm install onnxruntime-web` and export again "
        "with --onnxruntime-web node_modules/onnxruntime-web"
    )


FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
RULES = (
    ("squash", "floor"),
    ("shortest", "half_even"),
    ("shortest", "floor"),
    ("longest_pad", "floor"),
)


@pytest.mark.parametrize(("rule", "kind"), list(product(RULES, FILTERS)))
def test_every_recipe_s_square_is_pillow_s(
    rule: tuple[str, str], kind: str, tmp_path: Path
) -> None:
    shutil.copy(PACKAGE / "export" / "page" / "pixels.js", tmp_path / "pixels.mjs")
    resize, rounding = rule
    fields = {"resize": resize, "crop_rounding": rounding, "filter": kind}
    pixels = changed(tiny_clip_spec(), pixels=fields).pixels
    for width, height in ((97, 61), (40, 131), (20, 33), (32, 32), (35, 32)):
        seen = picture(width, width, height)
        how = {"size_px": pixels.size_px, **fields}
        given = {"rgb": seen.ravel().tolist(), "width": width, "height": height, "how": how}
        ran = subprocess.run(
            ["node", HERE / "square.mjs", tmp_path / "pixels.mjs"],
            input=json.dumps(given).encode(),
            capture_output=True,
            check=True,
        )
        made = np.frombuffer(ran.stdout, np.uint8).reshape(pixels.size_px, pixels.size_px, 3)
        assert np.array_equal(made, pixels.square(seen)), (width, height)


def test_control_a_canvas_like_filter_is_not_pillow_s() -> None:
    seen = Image.fromarray(picture(3, 97, 61))
    plain = np.asarray(seen.resize((32, 32), Image.Resampling.BILINEAR, reducing_gap=1.0))
    exact = np.asarray(seen.resize((32, 32), Image.Resampling.BILINEAR))
    assert not np.array_equal(plain, exact)
