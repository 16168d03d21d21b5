import pytest

from sightline.measure.engines import ENGINES, Engine, engines_like


@pytest.mark.parametrize(
    ("runtime", "precision", "names"),
    [
        (None, None, [one.name for one in ENGINES]),
        ("torch", None, ["torch float32", "torch bfloat16"]),
        (None, "float32", ["onnxruntime float32", "openvino float32", "torch float32"]),
        ("onnxruntime", "bfloat16", ["onnxruntime bfloat16"]),  # the runtime says whether it can
        ("abacus", None, ["abacus auto"]),
        (None, "float8", ["auto float8"]),
    ],
)
def test_engines_are_those_of_the_table_that_fit_or_the_one_that_was_named(
    runtime: str | None, precision: str | None, names: list[str]
) -> None:
    assert [one.name for one in engines_like(runtime, precision)] == names


def test_every_engine_is_in_the_table_once() -> None:
    assert len(set(ENGINES)) == len(ENGINES) > 1
    assert Engine("onnxruntime", "float32") == ENGINES[0]
