import json
from pathlib import Path

import msgspec
import pytest

from sightline.errors import DataError
from sightline.evaluate import read_results, run, to_json, write_results
from sightline.evaluate.result import Result, write_whole
from tiny_embedder import RGB, colour_embedder, example, source_of


def some_result() -> Result:
    return run(
        colour_embedder(),
        source_of(
            example("a", RGB["red"], "red", group={"place": "indoors"}),
            example("b", RGB["red"], "green", group={"place": "outdoors"}),
        ),
    )


def test_a_line_of_json_has_the_names_of_clip_benchmark() -> None:
    line = to_json(some_result())
    assert b"\n" not in line
    read = json.loads(line)
    assert (read["dataset"], read["task"]) == ("eval-colours", "zeroshot_classification")
    assert read["metrics"]["acc1"] == 0.5
    assert set(read["metrics"]) == set(read["intervals"]) == set(read["counts"])


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    results = (some_result(), some_result())
    write_results(tmp_path / "results.json", results)
    assert read_results(tmp_path / "results.json") == results
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_results(path)
    return str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    assert refusal(path) == (
        f"results cannot be read from {path} (No such file or directory): "
        "make them with sightline evaluate MODEL URI --out FILE"
    )


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"version": 1, "results": [], "figures": []}')
    assert refusal(path) == (
        f"{path} is not a file of results (Object contains unknown field `figures`): "
        "make it with sightline evaluate MODEL URI --out FILE"
    )


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"version": 0, "results": []}')
    assert refusal(path) == (
        f"{path} is of version 0 but this Sightline reads version 1: evaluate again"
    )


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "results.json"
    with pytest.raises(DataError) as caught:
        write_whole(path, b"")
    assert str(caught.value) == (
        f"{path} cannot be written (No such file or directory): "
        "choose a folder that can be written to"
    )


def test_metrics_without_intervals_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        msgspec.structs.replace(some_result(), intervals={})
    assert str(caught.value) == (
        "the result on eval-colours has metrics, intervals and counts of different names: "
        "give each metric one of both"
    )
