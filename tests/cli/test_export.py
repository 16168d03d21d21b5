import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ran import Ran
from sightline.checkpoints import read


def test_a_folder_is_written_and_said_to_be_near(
    desk: Path, run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    ran = run("export", str(tiny_model_folder), "--to", "out")
    lines = ran.out.splitlines()
    assert (ran.code, lines[0].split(":")[0]) == (0, "wrote out")
    assert lines[1].startswith("made examples: lowest cosine with the model's own vectors 1.000000")
    assert ran.err == "not certified: --check DATA measures it on real pictures\n"
    said = json.loads((desk / "out" / "export.json").read_bytes())
    assert {path.name for path in (desk / "out").iterdir()} == {*said["files"], "export.json"}
    assert said["model"] == read(tiny_model_folder).fingerprint


def test_a_certificate_that_did_not_pass_is_drawn_and_is_a_no(
    desk: Path, run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    (desk / "set.csv").write_text("path,caption\nphotos/0.png,one\nphotos/1.png,two\n")
    ran = run("export", str(tiny_model_folder), "--to", "out", "--check", "set.csv")
    assert ran.code == 1
    assert ran.out.splitlines()[-1].startswith("FAILED: onnxruntime")
    assert "**FAILED**" in (desk / "out" / "README.md").read_text(encoding="utf-8")


def test_transformers_layout_is_what_convert_writes(
    desk: Path, run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    ran = run("export", str(tiny_model_folder), "--to", "out", "--format", "huggingface")
    assert (ran.code, ran.out) == (0, "wrote out: 78 tensors in huggingface layout\n")
    assert ran.err.splitlines()[0] == (
        "huggingface files say pixels.crop_rounding: 'floor', not 'half_even'"
    )
    assert read(desk / "out").layout == "huggingface"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--template", "a {}"), "--template goes into labels: give --labels too"),
        (("--onnxruntime-web", "x"), "--onnxruntime-web is for a page: give --page too"),
        (
            ("--format", "huggingface", "--labels", "cat,dog"),
            "--format huggingface writes the whole model as it is: leave --labels, --page and "
            "--precision out, or choose another format",
        ),
        (
            ("--format", "huggingface", "--precision", "float16"),
            "--format huggingface writes the whole model as it is: leave --labels, --page and "
            "--precision out, or choose another format",
        ),
        (
            ("--labels", ""),
            "--labels is blank: give names with commas between them, a file or a folder",
        ),
        (
            ("--format", "tflite"),
            "Invalid value for '--format': 'tflite' is not one of 'onnx', "
            "'openvino', 'huggingface'.",
        ),
    ],
)
def test_flags_that_do_not_go_together_are_refused(
    flags: tuple[str, ...], said: str, desk: Path, run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    ran = run("export", str(tiny_model_folder), "--to", "out", *flags)
    assert (ran.code, ran.err.splitlines()[-1]) == (2, f"Error: {said}")
    assert not (desk / "out").exists()


def test_a_page_goes_along_with_labels(
    desk: Path, run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    ran = run("export", str(tiny_model_folder), "--to", "out", "--page")
    assert (ran.code, ran.err) == (
        4,
        "sightline: error: a page for browsers needs class vectors and ONNX: give labels "
        "(--labels), and the format onnx\n",
    )
    ran = run("export", str(tiny_model_folder), "--to", "out", "--page", "--labels", "cat,dog")
    assert ran.code == 0
    assert (desk / "out" / "index.html").is_file()


def test_an_older_export_goes_only_when_it_may(
    desk: Path, run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    first = ("export", str(tiny_model_folder), "--to", "out", "--labels", "cat,dog")
    assert run(*first).code == 0
    assert run(*first) == Ran(
        4,
        "",
        "sightline: error: out is not empty: choose another place, or allow an older export to be "
        "replaced (--replace)\n",
    )
    assert run(*first, "--replace").code == 0
