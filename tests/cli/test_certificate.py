import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from ran import Ran
from sightline.checkpoints import read
from sightline.cli.certificate import certificate_line, draw_certificate
from sightline.errors import CertificateError
from sightline.runtime.certificate import NAME, Engine, own_place, write_certificate
from tiny_certificates import CLOSE, certificate, figures

FEW = figures(images=msgspec.structs.replace(CLOSE, count=3, batch=0.5))
PATH = Path("towers") / "onnxruntime-int8" / NAME


def test_a_person_reads_every_figure_with_its_limit_and_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    draw_certificate(certificate(figures=FEW, machine="a\x1b[31m processor"))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert [" ".join(line.split()) for line in lines[1:7]] == [
        f"model {'ab' * 32}",
        "candidate onnxruntime 1.31.1 in int8",
        "made by nothing but the model's own files",
        "reference torch 2.13.0 in float32",
        "measured on eval-photos: 1,000 pictures, 1,000 captions, 10 classes (contents "
        "cdcdcdcdcdcd…)",
        "when, where 2026-11-22, a\\x1b[31m processor",
    ]
    shown = [" ".join(line.split()) for line in lines[8:]]
    assert shown[0] == "figure measured limit"
    assert shown[1] == "passed moved by the engine alone, in float32 0 ≤ 3e-05"
    assert shown[2] == "FAILED different pictures 3 ≥ 500"
    assert shown[3] == "passed pictures: cosine, the lowest 1 ≥ 0.96"
    assert shown[-3:] == [
        "failed: it was measured on 3 different pictures and needs 500: give more",
        "failed: pictures: moved by another batch is 0.5 where at most 0.01 is allowed",
        "FAILED: onnxruntime 1.31.1 in int8 may not stand for the reference",
    ]


def test_one_that_passed_says_so_last(capsys: pytest.CaptureFixture[str]) -> None:
    draw_certificate(certificate())
    out = capsys.readouterr().out
    assert "FAILED" not in out
    assert out.splitlines()[-1] == "passed: onnxruntime 1.31.1 in int8 may stand for the reference"


def test_one_line_says_what_it_is_worth() -> None:
    assert certificate_line(PATH, certificate()) == (
        "onnxruntime-int8: passed on eval-photos (1,000 pictures), 2026-11-22"
    )
    old = Engine(runtime="onnxruntime", version="0.1", precision="int8")
    assert certificate_line(PATH, certificate(candidate=old)) == (
        "onnxruntime-int8: passed on eval-photos (1,000 pictures), 2026-11-22; of onnxruntime 0.1, "
        f"not of {version('onnxruntime')}, which is installed"
    )
    assert certificate_line(PATH, certificate(figures=FEW)) == (
        "onnxruntime-int8: FAILED on eval-photos (1,000 pictures), 2026-11-22: it was measured on "
        "3 different pictures and needs 500: give more; and 1 more"
    )
    assert certificate_line(PATH, CertificateError("it is damaged")) == (
        "onnxruntime-int8: not believed: it is damaged"
    )


def test_models_info_lists_them(run: Callable[..., Ran], tiny_model_folder: Path) -> None:
    checkpoint = read(tiny_model_folder)
    home = own_place(checkpoint)
    right = certificate(fingerprint=checkpoint.fingerprint)
    write_certificate(right, home / "onnxruntime-int8" / NAME)
    write_certificate(certificate(), home / "openvino-int8" / NAME)
    out = run("models", "info", str(tiny_model_folder)).out
    said = " ".join(out.split())
    assert "certificate onnxruntime-int8: passed on eval-photos (1,000 pictures)" in said
    assert "certificate openvino-int8: not believed: " in said
    [line] = run("models", "info", str(tiny_model_folder), "--json").out.splitlines()
    first, second = json.loads(line)["certificates"]
    assert (first["passed"], first["failures"]) == (True, [])
    assert first["certificate"]["candidate"]["precision"] == "int8"
    assert (second["passed"], second["certificate"]) == (False, None)
    assert "is of the model" in second["failures"][0]


def test_without_any_nothing_is_said(run: Callable[..., Ran], tiny_model_folder: Path) -> None:
    assert "certificate" not in run("models", "info", str(tiny_model_folder)).out
    [line] = run("models", "info", str(tiny_model_folder), "--json").out.splitlines()
    assert json.loads(line)["certificates"] == []
