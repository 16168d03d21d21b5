from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from sightline.checkpoints import read
from sightline.errors import CheckpointError
from sightline.measure import Engine, Figures, Unavailable, measure, measuring
from sightline.measure.measuring import latency
from tiny_models import encoded, picture

ENGINES = (Engine("abacus", "float32"), Engine("onnxruntime", "float32"))


def test_each_engine_has_figures_or_a_reason(tiny_model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(picture(0)))
    said: list[str] = []
    found = measure(
        tiny_model_folder,
        ENGINES,
        {"small": [tmp_path / "a.png"] * 3},
        seconds=0.0,
        tell=said.append,
    )
    model = read(tiny_model_folder)
    assert (found.fingerprint, found.embed_dim) == (model.fingerprint, model.spec.embed_dim)
    assert found.weights_bytes == (tiny_model_folder / "model.safetensors").stat().st_size
    missing, figures = found.engines
    assert isinstance(missing, Unavailable)
    assert missing.reason.startswith("runtime 'abacus' is not known")
    assert isinstance(figures, Figures)
    assert (figures.engine, figures.rounds) == (ENGINES[1], 1)
    assert figures.images_per_s.keys() == figures.texts_per_s.keys() == {1, 16}
    assert figures.files_per_s.keys() == figures.hours.keys() == {"small"}
    assert min(figures.picture.p50_ms, figures.text.p50_ms, figures.open_s) > 0
    assert said == [
        "opening abacus float32",
        "opening onnxruntime float32",
        "round 1, onnxruntime float32",
    ]


def test_a_picture_that_cannot_be_read_is_why_nothing_was_measured(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    [found] = measure(
        tiny_model_folder, ENGINES[1:], {"small": [tmp_path / "a.jpg"]}, seconds=0.0
    ).engines
    assert isinstance(found, Unavailable)
    assert found.reason.startswith(f"{tmp_path / 'a.jpg'} cannot be measured with: ")


def test_a_model_that_is_not_there_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        measure(tmp_path / "none", ENGINES, {"small": []}, seconds=0.0)


class Steady:
    """A worker that does sixteen in half a second, twice."""

    def times(self, subject: str, seconds: float) -> tuple[int, list[float]]:
        return 16, [0.5, 0.5]


def test_a_rate_is_of_all_that_was_done_in_a_round() -> None:
    worker: Any = Steady()
    opened: Any = None
    lists = defaultdict[str, list[float]]
    one = measuring._Running(ENGINES[0], worker, opened, lists(list), lists(list))
    for _ in range(2):
        measuring._time(one, "images 16", 1.0)
    assert one.rates == {"images 16": [32.0, 32.0]}
    assert one.calls == {"images 16": [0.5] * 4}


def test_latency_is_the_median_and_what_nineteen_of_twenty_stay_below() -> None:
    found = latency([number / 1000 for number in range(100, 0, -1)])
    assert (found.p50_ms, found.p95_ms) == pytest.approx((50.5, 95.0))
    assert latency([0.002]).p95_ms == 2.0
