import json

import pytest

from sightline.cli.answers import Answer, ClassifyTable, CsvAnswer, JsonAnswer

RANKED = [("cat", 0.25), ("dog", 0.125)]


def drawn(capsys: pytest.CaptureFixture[str], answer: Answer, none: float | None) -> list[str]:
    answer.add("a.jpg", RANKED, none)
    answer.finish()
    return capsys.readouterr().out.splitlines()


def test_none_of_these_takes_its_place_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    first = drawn(capsys, ClassifyTable(lambda: None), 0.625)[1]
    assert first.split()[1:4] == ["none", "of", "these"]
    assert first.endswith("62 %  cat 25 % · dog 12 %")
    between = drawn(capsys, ClassifyTable(lambda: None), 0.2)[1]
    assert between.endswith("25 %  none of these 20 % · dog 12 %")


def test_without_a_calibration_none_of_these_is_not_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert drawn(capsys, ClassifyTable(lambda: None), None)[1].endswith("25 %  dog 12 %")
    assert "none" not in json.loads(drawn(capsys, JsonAnswer(lambda: None), None)[0])


def test_json_holds_the_scores_and_none(capsys: pytest.CaptureFixture[str]) -> None:
    [line] = drawn(capsys, JsonAnswer(lambda: None), 0.625)
    assert json.loads(line) == {"path": "a.jpg", "scores": dict(RANKED), "none": 0.625}


def test_csv_repeats_none_beside_each_label(capsys: pytest.CaptureFixture[str]) -> None:
    lines = drawn(capsys, CsvAnswer(lambda: None), 0.625)
    assert lines == [
        "path,rank,label,score,none,error",
        "a.jpg,1,cat,0.25,0.625,",
        "a.jpg,2,dog,0.125,0.625,",
    ]
