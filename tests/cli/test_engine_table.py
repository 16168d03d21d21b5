import msgspec
import pytest

from measured import MACHINE, report
from sightline.cli.engine_table import draw_report, machine_line


def drawn(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_engines_stand_side_by_side_and_the_fastest_is_marked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    draw_report(report())
    assert drawn(capsys) == [
        "first float32 second float32",
        "images a second, 1 at once 10.0 20.0 (2.00 ×) *",
        "images a second, 16 at once 20.0 40.0 (2.00 ×) *",
        "texts a second, 1 at once 100.0 200.0 (2.00 ×) *",
        "texts a second, 16 at once 400.0 800.0 (2.00 ×) *",
        "files a second, 640 × 480 10.0 20.0 (2.00 ×) *",
        "a file to its vector, ms: p50, p95 50.0, 70.0 50.0, 70.0",
        "a text to its vector, ms: p50, p95 5.0, 7.0 5.0, 7.0",
        "rounds, all in turn 5 5",
        "opens in, s 0.50 0.50",
        "memory at most, MB 100 100",
        "100,000 photos, 640 × 480, hours 2.78 1.39",
        "* the fastest; ×: so many times the first column",
        "third int8 does not run here: third needs an extra",
        "weights on disk: 23 MB; vectors of 100,000 photos, 256 numbers each, keys excluded: "
        "102 MB in float32 or 51 MB in float16",
    ]


def test_one_engine_alone_is_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    whole = report()
    draw_report(msgspec.structs.replace(whole, engines=whole.engines[:1]))
    assert drawn(capsys)[1] == "images a second, 1 at once 10.0"


def test_where_nothing_ran_there_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    whole = report()
    draw_report(msgspec.structs.replace(whole, engines=whole.engines[2:]))
    assert len(drawn(capsys)) == 2


def test_a_machine_is_a_line() -> None:
    assert machine_line(MACHINE) == "2 × Abacus 2, Linux, load 0.4; sightline 0.1.0, numpy 2.0.0"
    assert "load" not in machine_line(msgspec.structs.replace(MACHINE, load=None))
