"""A folder that runs without Sightline and says the same."""

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from code_tree import ROOT
from exported import run_script, scores_of
from sightline.checkpoints import Checkpoint, read, write
from sightline.data import open_source
from sightline.embedder import embedder_of
from sightline.errors import CheckpointError
from sightline.export import Plan, export, exporting
from sightline.export.plan import Format
from sightline.export.script import script
from sightline.runtime.calibrating import WatchedTowers
from sightline.runtime.certificate import read_certificate
from sightline.runtime.ranges_file import write_ranges
from sightline.runtime.whole_graph import write_whole
from sightline.scoring import Class
from sightline.spec import Spec
from sightline.verify.subjects import pictures
from tiny_folder import changed
from tiny_models import RECORD, encoded, random_model, tiny_clip_spec, tiny_siglip_spec

PHOTOS = sorted((ROOT / "photos").glob("*.jpg"))
LABELS = ("a cat", "Two  dogs", "isn't it?")
SAME = 1e-5  # of scores, which the script prints with six digits


def model_of(folder: Path, spec: Spec) -> Checkpoint:
    """Write a random model of a spec."""
    tensors = {name: value.numpy() for name, value in random_model(spec).state_dict().items()}
    write(folder, spec=spec, tensors=tensors, record=RECORD)
    return read(folder)


def apart(folder: Path, checkpoint: Checkpoint, photos: list[Path]) -> float:
    """Return the largest difference of the script's scores from the model's own."""
    own = embedder_of(checkpoint).classify(photos, LABELS, none_of_these=False)
    found = scores_of(folder, photos, LABELS)
    shown = np.array([[one[label] for label in LABELS] for one in found])
    return float(np.abs(shown - own.scores).max())


@pytest.mark.parametrize("layout", ["onnx", "openvino"])
def test_the_script_scores_as_the_model_does(layout: Format, tmp_path: Path) -> None:
    bundled = read()
    export(bundled, tmp_path / "out", Plan(format=layout))
    assert apart(tmp_path / "out", bundled, PHOTOS) < SAME


def telling(folder: Path, spec: Spec) -> list[Path]:
    """Write pictures that tell a recipe from its neighbours, and a photo's path."""
    paths = [folder / f"{number}.png" for number in range(2)]
    for path, drawn in zip(paths, pictures(spec.pixels), strict=False):
        path.write_bytes(encoded(drawn))
    return [*paths, PHOTOS[0]]


RECIPES = {
    "middle, to even": {"resize": "shortest", "crop_rounding": "half_even"},
    "middle, down": {"resize": "shortest", "crop_rounding": "floor", "filter": "bilinear"},
    "squashed": {"resize": "squash", "mean": (0.1, 0.2, 0.3)},
    "padded": {"resize": "longest_pad", "std": (0.2, 0.3, 0.4)},
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_prepares_pictures_as_the_model_wants_them(recipe: str, tmp_path: Path) -> None:
    spec = changed(tiny_siglip_spec(), pixels=RECIPES[recipe])
    checkpoint = model_of(tmp_path / "model", spec)
    export(checkpoint, tmp_path / "out", Plan(format="onnx"))
    assert apart(tmp_path / "out", checkpoint, telling(tmp_path, spec)) < SAME


@pytest.mark.parametrize(
    "change",
    [{"crop_rounding": "floor"}, {"filter": "bilinear"}, {"resize": "squash"}],
    ids=["rounding", "filter", "resize"],
)
def test_control_the_script_of_another_recipe_scores_otherwise(
    change: dict[str, str], tmp_path: Path
) -> None:
    spec = tiny_siglip_spec()
    checkpoint = model_of(tmp_path / "model", spec)
    plan = Plan(format="onnx")
    export(checkpoint, tmp_path / "out", plan)
    other = script(plan, changed(spec, pixels=change).pixels, "sigmoid")
    (tmp_path / "out" / "run.py").write_text(other, encoding="utf-8")
    assert apart(tmp_path / "out", checkpoint, telling(tmp_path, spec)) > SAME


def test_control_another_mean_scores_otherwise(tmp_path: Path) -> None:
    checkpoint = model_of(tmp_path / "model", tiny_clip_spec())
    export(checkpoint, tmp_path / "out", Plan(format="onnx"))
    place = tmp_path / "out" / "preprocessing.json"
    said = json.loads(place.read_text(encoding="utf-8"))
    place.write_text(json.dumps(said | {"mean": [0.5, 0.4, 0.5]}), encoding="utf-8")
    assert apart(tmp_path / "out", checkpoint, PHOTOS[:3]) > SAME


def test_a_photo_of_16_bits_is_refused_not_clipped(tmp_path: Path) -> None:
    export(read(), tmp_path / "out", Plan(format="onnx", classes=(Class("cat"),)))
    deep = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    ran = run_script(tmp_path / "out", [tmp_path / "deep.png"], ())
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        "AssertionError: more than 8 bits a channel: save the photo with 8 first"
    )


def test_class_vectors_need_neither_a_text_tower_nor_a_tokenizer(tmp_path: Path) -> None:
    bundled = read()
    classes = (Class("koala", aliases=("koala bear",)), Class("horse", prompts=("two horses",)))
    plan = Plan(format="onnx", classes=classes, templates=("a photo of a {}", "one {}"))
    export(bundled, tmp_path / "out", plan)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md",
        "classes.json",
        "classes.npy",
        "export.json",
        "image.onnx",
        "preprocessing.json",
        "run.py",
    ]
    assert "tokenizers" not in (tmp_path / "out" / "run.py").read_text(encoding="utf-8")
    own = embedder_of(bundled).classify(PHOTOS, classes, templates=plan.templates)
    shown = [[one["koala"], one["horse"]] for one in scores_of(tmp_path / "out", PHOTOS)]
    assert np.abs(np.array(shown) - own.scores).max() < SAME


def test_a_calibration_is_worked_into_the_head(tmp_path: Path) -> None:
    for name, spec in (("clip", tiny_clip_spec()), ("siglip", tiny_siglip_spec())):
        folder = tmp_path / name
        model_of(folder, spec)
        fitted = {"temperature": 1.7, "null_logit": 0.3, "fitted_on": "ten photos"}
        (folder / "calibration.json").write_text(json.dumps(fitted), encoding="utf-8")
        export(read(folder), tmp_path / f"{name}-out", Plan(format="onnx"))
        assert apart(tmp_path / f"{name}-out", read(folder), PHOTOS[:2]) < SAME


def test_half_precision_is_half_the_size_and_near(tmp_path: Path) -> None:
    checkpoint = model_of(tmp_path / "model", tiny_clip_spec())
    wide = export(checkpoint, tmp_path / "wide", Plan(format="onnx"))
    half = export(checkpoint, tmp_path / "half", Plan(format="onnx", precision="float16"))
    assert half.sizes["text.onnx"] < 0.55 * wide.sizes["text.onnx"]
    assert 0 < 1 - half.compared.texts < 1e-4
    assert apart(tmp_path / "half", checkpoint, PHOTOS[:3]) < 0.01


def calibrated(checkpoint: Checkpoint, runtime: str) -> None:
    """Put ranges beside a model."""
    towers = WatchedTowers(checkpoint)
    model = msgspec.structs.replace(embedder_of(checkpoint), towers=towers, cache=None)
    model.embed_images(PHOTOS)
    model.embed_texts(list(LABELS))
    place = checkpoint.folder / "towers" / f"{runtime}-int8"
    place.mkdir(parents=True, exist_ok=True)
    write_ranges(towers.ranges(), place / "ranges.safetensors")


@pytest.mark.parametrize(("layout", "runtime"), [("onnx", "onnxruntime"), ("openvino", "openvino")])
def test_eight_bits_go_along_where_a_model_was_calibrated(
    layout: Format, runtime: str, tmp_path: Path
) -> None:
    shutil.copytree(read().folder, tmp_path / "model")
    checkpoint = read(tmp_path / "model")
    calibrated(checkpoint, runtime)
    done = export(checkpoint, tmp_path / "out", Plan(format=layout, precision="int8"))
    assert sum(done.sizes.values()) < 16e6  # 11.6 M weights, and the tokenizer
    assert 0.9 < done.compared.pictures < 1
    assert apart(tmp_path / "out", checkpoint, PHOTOS) < 0.2


def test_a_tower_too_large_for_a_page_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = read()
    plan = Plan(format="onnx", classes=(Class("cat"),), page=True)
    monkeypatch.setattr("sightline.runtime.whole_graph.MOST_INSIDE", 1000)
    with pytest.raises(CheckpointError) as caught:
        export(bundled, tmp_path / "out", plan)
    assert str(caught.value) == (
        f"the image tower of {bundled.folder} takes 2 GB or more in float32, and a page opens a "
        "single file of less: export in fewer bits, or without --page"
    )
    assert not (tmp_path / "out").exists()


def test_eight_bits_of_a_model_without_ranges_are_refused(tmp_path: Path) -> None:
    checkpoint = model_of(tmp_path / "model", tiny_clip_spec())
    with pytest.raises(CheckpointError) as caught:
        export(checkpoint, tmp_path / "out", Plan(format="onnx", precision="int8"))
    assert str(caught.value) == (
        f"{tmp_path / 'model'} was never calibrated for int8 in onnxruntime: do that with "
        "`sightline models certify`"
    )
    assert not (tmp_path / "out").exists()


def test_a_certificate_is_of_the_files_that_were_written(tmp_path: Path) -> None:
    source = open_source(str(ROOT / "photos" / "demo-photos.csv"))
    bundled = read()
    seen: list[int] = []
    done = export(
        bundled, tmp_path / "out", Plan(format="onnx"), check=source, on_progress=seen.append
    )
    found = read_certificate(tmp_path / "out" / "certificate.json")
    assert found == done.certificate
    assert (found.fingerprint, found.candidate.variant) == (
        bundled.fingerprint,
        "onnxruntime-float32",
    )
    assert found.figures.images.cosine.least > 1 - 1e-9
    assert done.failed  # ten photos are too few for any certificate
    assert sum(seen) > 0
    page = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "**FAILED** its certificate, measured on 10 pictures of demo-photos.csv" in page
    assert not json.loads((tmp_path / "out" / "export.json").read_bytes())["certified"]


def test_what_does_not_compute_as_the_model_does_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = model_of(tmp_path / "model", tiny_clip_spec())
    other = model_of(tmp_path / "other", changed(tiny_clip_spec(), image={"activation": "gelu"}))
    monkeypatch.setattr(
        exporting, "write_whole", lambda _, *given, **named: write_whole(other, *given, **named)
    )
    with pytest.raises(
        CheckpointError, match=r"^the exported image tower gives vectors at a cosine"
    ):
        export(checkpoint, tmp_path / "out", Plan(format="onnx"))
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = model_of(tmp_path / "model", tiny_clip_spec())
    export(checkpoint, tmp_path / "out", Plan(format="onnx"))
    before = (tmp_path / "out" / "export.json").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "write_whole", full)
    with pytest.raises(CheckpointError) as caught:
        export(checkpoint, tmp_path / "out", Plan(format="onnx"), replace=True)
    assert str(caught.value) == (
        f"{tmp_path / 'out'} cannot be written (No space left on device): free some space or "
        "choose another place"
    )
    assert (tmp_path / "out" / "export.json").read_bytes() == before


def test_control_a_script_that_needs_sightline_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("import sightline", encoding="utf-8")
    ran = run_script(tmp_path, PHOTOS[:1], LABELS)
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (
        1,
        "ModuleNotFoundError: import of sightline halted; None in sys.modules",
    )
