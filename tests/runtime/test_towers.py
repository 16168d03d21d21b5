"""Which engine is chosen and why, and what is said where there is none."""

import sys
from pathlib import Path
from types import SimpleNamespace

import onnxruntime  # type: ignore[import-untyped]
import pytest

from sightline.checkpoints import Checkpoint
from sightline.errors import CheckpointError, RuntimeUnavailable
from sightline.runtime import Towers, choosing, open_towers, openvino_session, variants
from sightline.runtime.calibrating import WatchedTowers
from sightline.runtime.certificate import Engine
from sightline.runtime.choosing import choose
from sightline.runtime.ranges import Ranges
from sightline.runtime.ranges_file import write_ranges
from tiny_towers import SPECS, distances, saved, some_ids, some_pixels, tiny_model


@pytest.fixture(autouse=True)
def unpinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let "auto" choose, as where nothing is set."""
    monkeypatch.delenv("SIGHTLINE_PRECISION")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return saved(tmp_path, tiny_model(SPECS["CLIP"]))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take OpenVINO away."""
    monkeypatch.setattr(choosing, "find_spec", lambda _: None)


def with_bfloat16(monkeypatch: pytest.MonkeyPatch, *, has: bool) -> None:
    monkeypatch.setattr(openvino_session, "computes_bfloat16", lambda: has)


@pytest.mark.usefixtures("bare")
def test_without_extras_onnx_runtime_is_chosen(checkpoint: Checkpoint) -> None:
    towers = open_towers(checkpoint, threads=1)
    assert towers.description == (
        f"onnxruntime {onnxruntime.__version__} on the cpu, float32, threads: 1; "
        "it needs no extra and starts quickest"
    )
    assert towers.precision == "float32"


def test_all_engines_are_towers_and_agree(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["hybrid"]))
    reference = open_towers(checkpoint, runtime="torch", device="cpu")
    assert isinstance(reference, Towers)
    for runtime in ("onnxruntime", "openvino"):
        towers = open_towers(checkpoint, runtime=runtime, precision="float32", threads=1)
        assert isinstance(towers, Towers)
        assert max(distances(towers, reference, checkpoint.spec).values()) < 1e-5


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_without_openvino_is_torch_and_says_so(
    precision: str, checkpoint: Checkpoint
) -> None:
    towers = open_towers(checkpoint, precision=precision)
    assert towers.precision == precision
    assert f", {precision}" in towers.description


@pytest.mark.parametrize(("has", "runtime"), [(True, "openvino"), (False, "torch")])
def test_bfloat16_is_openvino_where_the_processor_has_it(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, has: bool, runtime: str
) -> None:
    with_bfloat16(monkeypatch, has=has)
    choice = choose(checkpoint, runtime="auto", precision="bfloat16", device="auto")
    assert (choice.runtime, choice.precision) == (runtime, "bfloat16")


def place_of(checkpoint: Checkpoint, variant: str) -> Path:
    """Return the folder of a variant beside the weights."""
    place = checkpoint.folder / "towers" / variant
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Engine, str]]:
    """Return a list of what certificates were asked to speak for; all of them passed."""
    asked: list[tuple[str, Engine, str]] = []

    def accept(path: Path, fingerprint: str, engine: Engine, recipe: str) -> object:
        asked.append((fingerprint, engine, recipe))
        measured_on = SimpleNamespace(images=2000, name="some data")
        return SimpleNamespace(measured_on=measured_on, date="2026-11-22")

    monkeypatch.setattr(variants, "accept", accept)
    return asked


def test_bfloat16_is_chosen_by_itself_only_with_a_certificate(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, accepted: list[tuple[str, Engine, str]]
) -> None:
    with_bfloat16(monkeypatch, has=True)
    choice = choose(checkpoint, runtime="auto", precision="auto", device="auto")
    assert (choice.runtime, choice.precision, accepted) == ("onnxruntime", "float32", [])
    assert choice.why == (
        "quickest in float32; of bfloat16 no certificate speaks of openvino-bfloat16: make one "
        "with `sightline models certify`"
    )
    (place_of(checkpoint, "openvino-bfloat16") / "certificate.json").write_text("passed")
    choice = choose(checkpoint, runtime="auto", precision="auto", device="auto")
    assert (choice.runtime, choice.precision) == ("openvino", "bfloat16")
    assert choice.why == "quickest here; certified on 2000 pictures of some data (2026-11-22)"
    [(fingerprint, engine, recipe)] = accepted
    assert (fingerprint, engine.variant, recipe) == (
        checkpoint.fingerprint,
        "openvino-bfloat16",
        "",
    )
    with_bfloat16(monkeypatch, has=False)
    choice = choose(checkpoint, runtime="auto", precision="auto", device="auto")
    assert (choice.runtime, choice.precision) == ("onnxruntime", "float32")


def test_a_precision_that_is_pinned_is_the_one(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, accepted: list[tuple[str, Engine, str]]
) -> None:
    with_bfloat16(monkeypatch, has=True)
    (place_of(checkpoint, "openvino-bfloat16") / "certificate.json").write_text("passed")
    for pinned, runtime in (("float32", "onnxruntime"), ("bfloat16", "openvino")):
        monkeypatch.setenv("SIGHTLINE_PRECISION", pinned)
        choice = choose(checkpoint, runtime="auto", precision="auto", device="auto")
        assert (choice.runtime, choice.precision) == (runtime, pinned)
    assert "certified on 2000 pictures" in choice.why
    monkeypatch.setenv("SIGHTLINE_PRECISION", "float8")
    with pytest.raises(RuntimeUnavailable, match="SIGHTLINE_PRECISION 'float8' is not known: "):
        choose(checkpoint, runtime="auto", precision="auto", device="auto")
    assert [engine.variant for _, engine, _ in accepted] == ["openvino-bfloat16"]  # of float32 none


@pytest.mark.parametrize(("runtime", "precision"), [("openvino", "bfloat16"), ("torch", "float16")])
def test_fewer_bits_that_nobody_measured_are_not_called_certified(
    runtime: str, precision: str, checkpoint: Checkpoint
) -> None:
    choice = choose(checkpoint, runtime=runtime, precision=precision, device="cpu")
    assert choice.why == (
        f"asked for; NOT certified: no certificate speaks of {runtime}-{precision}: make one with "
        "`sightline models certify`"
    )
    if runtime == "torch":
        towers = open_towers(checkpoint, runtime=runtime, precision=precision)
        assert towers.description.endswith(choice.why)


@pytest.mark.parametrize("said", ["", "no certificate", '{"version": 1}'])
def test_a_certificate_that_is_none_does_not_choose(
    said: str, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bfloat16(monkeypatch, has=True)
    (place_of(checkpoint, "openvino-bfloat16") / "certificate.json").write_text(said)
    choice = choose(checkpoint, runtime="auto", precision="auto", device="auto")
    assert (choice.runtime, choice.precision) == ("onnxruntime", "float32")
    assert "certificate.json is no certificate (" in choice.why


def calibrated(checkpoint: Checkpoint, runtime: str) -> Ranges:
    """Leave the ranges of a model beside its weights."""
    towers = WatchedTowers(checkpoint)
    towers.image(some_pixels(checkpoint.spec))
    towers.text(some_ids())
    found = towers.ranges()
    write_ranges(found, place_of(checkpoint, f"{runtime}-int8") / "ranges.safetensors")
    return found


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_eight_bits_are_of_a_model_that_was_calibrated(
    runtime: str, checkpoint: Checkpoint, accepted: list[tuple[str, Engine, str]]
) -> None:
    with pytest.raises(CheckpointError) as caught:
        open_towers(checkpoint, runtime=runtime, precision="int8")
    assert str(caught.value) == (
        f"{checkpoint.folder} was never calibrated for int8 in {runtime}: do that with "
        "`sightline models certify`"
    )
    found = calibrated(checkpoint, runtime)
    towers = open_towers(checkpoint, runtime=runtime, precision="int8", threads=1)
    assert towers.precision == "int8"
    assert towers.description.endswith(
        "asked for; NOT certified: no certificate speaks of "
        f"{runtime}-int8: make one with `sightline models certify`"
    )
    apart = distances(towers, open_towers(checkpoint, runtime="torch"), checkpoint.spec)
    assert 1e-4 < apart["image"] < 0.04
    (place_of(checkpoint, f"{runtime}-int8") / "certificate.json").write_text("passed")
    towers = open_towers(checkpoint, runtime=runtime, precision="int8", threads=1)
    assert "asked for; certified on 2000 pictures" in towers.description
    assert [recipe for _, _, recipe in accepted] == [found.digest]


def test_eight_bits_are_openvino_s_where_it_is(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for runtime in ("onnxruntime", "openvino"):
        calibrated(checkpoint, runtime)
    choice = choose(checkpoint, runtime="auto", precision="int8", device="auto")
    assert choice.runtime == "openvino"
    monkeypatch.setattr(choosing, "find_spec", lambda _: None)
    choice = choose(checkpoint, runtime="auto", precision="int8", device="cpu")
    assert choice.runtime == "onnxruntime"


def test_an_extra_that_is_missing_is_named(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    openvino_session.engine.cache_clear()
    with pytest.raises(RuntimeUnavailable, match=r"'openvino' cannot be loaded .* install sight"):
        open_towers(checkpoint, runtime="openvino")
    openvino_session.engine.cache_clear()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"runtime": "tensorflow"},
            "runtime 'tensorflow' is not known: choose 'auto', 'onnxruntime', 'openvino' or "
            "'torch'",
        ),
        (
            {"precision": "int4"},
            "precision 'int4' is not known: choose 'auto', 'float32', 'bfloat16', 'float16' or "
            "'int8'",
        ),
        (
            {"runtime": "onnxruntime", "precision": "float16"},
            "runtime 'onnxruntime' does not compute in float16 here: use runtime 'torch'",
        ),
        (
            {"runtime": "torch", "precision": "int8"},
            "runtime 'torch' does not compute in int8 here: use runtime 'onnxruntime' or "
            "'openvino'",
        ),
        (
            {"runtime": "onnxruntime", "device": "cuda"},
            "runtime 'onnxruntime' runs on the CPU here, not on 'cuda': use runtime 'torch'",
        ),
        (
            {"precision": "int8", "device": "cuda"},
            "runtime 'torch' does not compute in int8 here: use another precision",
        ),
    ],
)
def test_what_is_not_offered_is_refused(
    asked: dict[str, str], said: str, checkpoint: Checkpoint
) -> None:
    with pytest.raises(RuntimeUnavailable) as caught:
        open_towers(checkpoint, **asked)  # type: ignore[arg-type]
    assert str(caught.value) == said
