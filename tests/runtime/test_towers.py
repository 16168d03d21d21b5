"""Which engine is chosen, and what is said where there is none."""

from pathlib import Path

import onnxruntime  # type: ignore[import-untyped]
import pytest

from sightline.errors import RuntimeUnavailable
from sightline.runtime import Towers, open_towers
from tiny_towers import SPECS, distances, saved, tiny_model


def test_onnx_runtime_is_chosen_on_a_cpu(tmp_path: Path) -> None:
    towers = open_towers(saved(tmp_path, tiny_model(SPECS["CLIP"])), threads=1)
    assert towers.description == (
        f"onnxruntime {onnxruntime.__version__} on the cpu, float32, threads: 1; chosen because "
        "it needs no extra and starts quickest"
    )
    assert towers.precision == "float32"


def test_both_engines_are_towers_and_agree(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["hybrid"]))
    reference = open_towers(checkpoint, runtime="torch", device="cpu")
    towers = open_towers(checkpoint, runtime="onnxruntime", precision="float32", threads=1)
    assert isinstance(reference, Towers)
    assert isinstance(towers, Towers)
    assert max(distances(towers, reference, checkpoint.spec).values()) < 1e-5


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_torch_and_says_so(precision: str, tmp_path: Path) -> None:
    towers = open_towers(saved(tmp_path, tiny_model(SPECS["CLIP"])), precision=precision)
    assert towers.precision == precision
    assert f", {precision}" in towers.description


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"runtime": "tensorflow"},
            "runtime 'tensorflow' is not known: choose 'auto', 'onnxruntime' or 'torch'",
        ),
        (
            {"precision": "int8"},
            "precision 'int8' is not offered: choose 'auto', 'float32', 'bfloat16' or 'float16'",
        ),
        (
            {"runtime": "onnxruntime", "precision": "float16"},
            "runtime 'onnxruntime' computes in float32 here, not in float16: use runtime 'torch'",
        ),
        (
            {"runtime": "onnxruntime", "device": "cuda"},
            "runtime 'onnxruntime' runs on the CPU here, not on 'cuda': use runtime 'torch'",
        ),
    ],
)
def test_what_is_not_offered_is_refused(asked: dict[str, str], said: str, tmp_path: Path) -> None:
    checkpoint = saved(tmp_path, tiny_model(SPECS["CLIP"]))
    with pytest.raises(RuntimeUnavailable) as caught:
        open_towers(checkpoint, **asked)  # type: ignore[arg-type]
    assert str(caught.value) == said
