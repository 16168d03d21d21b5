from pathlib import Path

import pytest

from sightline.cli.main import exit_code
from sightline.evaluate import write_results
from tiny_card import card_inputs


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    _, results, _ = card_inputs(folder)
    write_results(folder / "results.json", results)
    return folder


def test_a_card_is_written_with_its_pictures_and_then_passes_its_check(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["card", str(model)]) == 0
    assert (model / "mistakes.jpg").read_bytes()[:2] == b"\xff\xd8"
    first = (model / "README.md").read_bytes()
    assert exit_code(["card", str(model)]) == 0
    assert (model / "README.md").read_bytes() == first
    capsys.readouterr()
    assert exit_code(["card", str(model), "--check"]) == 0
    assert capsys.readouterr().out == (
        f"{model / 'README.md'}: every figure is that of its results\n"
    )


def test_control_a_card_with_a_better_figure_fails_its_check(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code(["card", str(model)])
    place = model / "README.md"
    place.write_text(place.read_text(encoding="utf-8").replace("0.750", "0.950"), encoding="utf-8")
    capsys.readouterr()
    assert exit_code(["card", str(model), "--check"]) == 1
    assert "0.950" in capsys.readouterr().out


def test_results_may_lie_in_several_files_elsewhere(model: Path, tmp_path: Path) -> None:
    from sightline.evaluate import read_results

    results = read_results(model / "results.json")
    files = []
    for place, result in enumerate(results):
        files += ["--results", str(tmp_path / f"{place}.json")]
        write_results(Path(files[-1]), [result])
    exit_code(["card", str(model)])
    whole = (model / "README.md").read_bytes()
    (model / "results.json").unlink()
    facts = ["--facts", str(model / "facts.toml")]
    assert exit_code(["card", str(model), *files, *facts]) == 0
    assert (model / "README.md").read_bytes() == whole


def test_a_blank_model_is_not_the_current_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["card", ""]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "Error: MODEL is blank: give a model folder, or 'bundled'"
    )


def test_a_card_that_is_not_there_cannot_be_checked(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["card", str(model), "--check"]) == 4
    assert "cannot be read" in capsys.readouterr().err
