import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ran import Ran
from sightline import settings
from sightline.checkpoints import Checkpoint, read
from sightline.runtime import Towers, towers
from sightline.runtime.certificate import read_certificate
from sightline.runtime.choosing import Choice, choose
from sightline.runtime.ranges_file import read_ranges
from sightline.runtime.towers import open_chosen
from tiny_models import encoded, picture, write_tiny_model

# The desk's shelf has two pictures of two classes: too few to pass, enough for every figure.
ON = ("--data", "shelf")


@pytest.fixture(autouse=True)
def model(desk: Path) -> Path:
    for number, name in enumerate(("cup", "plate")):
        (desk / "shelf" / name).mkdir(parents=True)
        (desk / "shelf" / name / "front.png").write_bytes(encoded(picture(number)))
        (desk / "steps" / name).mkdir(parents=True)
        (desk / "steps" / name / "side.png").write_bytes(encoded(picture(number + 2)))
    return write_tiny_model(desk / "model")


@pytest.fixture(autouse=True)
def unpinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGHTLINE_PRECISION")


def test_float32_of_another_engine_is_drawn_and_kept_at_home(
    run: Callable[..., Ran], desk: Path
) -> None:
    ran = run("models", "certify", "model", "--precision", "float32", *ON)
    assert ran.code == 1
    assert "FAILED: openvino" in ran.out
    assert "needs 500: give more" in ran.out
    fingerprint = read(desk / "model").fingerprint
    home = settings.home()
    assert home is not None
    path = home / "variants" / fingerprint / "openvino-float32" / "certificate.json"
    assert ran.err.splitlines()[-1] == f"wrote {path}"
    found = read_certificate(path)
    assert (found.measured_on.images, found.figures.exact is not None) == (2, True)
    assert found.figures.images.cosine.least > 1 - 1e-6
    assert not (desk / "model" / "towers").exists()


def test_eight_bits_are_calibrated_and_kept_beside_the_model(
    run: Callable[..., Ran], desk: Path
) -> None:
    asked = ("models", "certify", "model", "--precision", "int8", "--calibrate-on", "steps", *ON)
    ran = run(*asked, "--runtime", "onnxruntime", "--beside", "--json")
    [line] = ran.out.splitlines()
    said = json.loads(line)
    assert (ran.code, said["passed"]) == (1, False)
    assert said["figures"]["exact"] < 1e-5
    place = desk / "model" / "towers" / "onnxruntime-int8"
    assert {path.name for path in place.iterdir()} == {"certificate.json", "ranges.safetensors"}
    choice = choose(read(desk / "model"), runtime="onnxruntime", precision="int8", device="cpu")
    assert choice.ranges is not None
    assert choice.ranges.digest == said["recipe"]
    assert "NOT certified: " in choice.why
    assert "did not pass (" in choice.why
    picture = str(desk / "shelf" / "cup" / "front.png")
    shown = ("classify", picture, "--labels", "a,b", "--model", "model", "--runtime", "onnxruntime")
    assert "NOT certified" not in run(*shown, "--precision", "float32").err
    [said, *_] = run(*shown, "--precision", "int8").err.splitlines()
    assert said.startswith("sightline: int8 is NOT certified: ")
    assert "did not pass (" in said
    ran = run("models", "info", "model")
    assert "onnxruntime-int8: FAILED on shelf (2 pictures)" in " ".join(ran.out.split())


def test_new_steps_are_measured_where_a_model_has_others(
    run: Callable[..., Ran], desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("models", "certify", "model", "--precision", "int8", "--runtime", "onnxruntime")
    run(*asked, "--calibrate-on", "steps", *ON, "--beside")
    seen: list[str] = []

    def spied(checkpoint: Checkpoint, choice: Choice, **rest: Any) -> Towers:
        if choice.ranges is not None:
            seen.append(choice.ranges.digest)
        return open_chosen(checkpoint, choice, **rest)

    monkeypatch.setattr(towers, "open_chosen", spied)
    ran = run(*asked, "--calibrate-on", "shelf", "--data", "steps", "--json")
    [line] = ran.out.splitlines()
    beside = desk / "model" / "towers" / "onnxruntime-int8"
    assert seen == [json.loads(line)["recipe"]]
    assert seen != [read_ranges(beside / "ranges.safetensors").digest]


WRONG: Mapping[str, tuple[tuple[str, ...], str]] = {
    "no data to calibrate on": (
        ("--precision", "int8", *ON),
        "--calibrate-on goes with --precision int8: give data that the steps are read off",
    ),
    "one set for both": (
        ("--precision", "int8", "--calibrate-on", "shelf", *ON),
        "--calibrate-on and --data are the same: measure on pictures that no step was read off",
    ),
    "what the engine does not compute": (
        ("--precision", "bfloat16", "--runtime", "onnxruntime", *ON),
        "runtime 'onnxruntime' does not compute in bfloat16 here: use runtime 'openvino' or ",
    ),
    "nothing to calibrate": (
        ("--precision", "bfloat16", "--calibrate-on", "shelf", *ON),
        "--calibrate-on is for --precision int8 alone: leave it out",
    ),
    "data that is not there": (("--precision", "float32", "--data", "gone"), "gone"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_certified_is_a_sentence(
    case: str, run: Callable[..., Ran], desk: Path
) -> None:
    options, said = WRONG[case]
    ran = run("models", "certify", "model", *options)
    assert ran.code in (2, 4)
    assert said in ran.err
    assert ran.out == ""
