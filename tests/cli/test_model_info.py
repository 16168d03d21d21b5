import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_siglip
from ran import Ran
from sightline.checkpoints import convert, read
from sightline.cli.model_info import _short

LOADED = """
import sys
sys.modules["torch"] = None
from sightline.cli import run
try:
    run(["models", "info", sys.argv[1]])
except SystemExit as done:
    print(done.code, "onnxruntime" in sys.modules)
"""


def rows(ran: Ran) -> dict[str, str]:
    """Return each name with its text, lines joined."""
    heading, *lines = ran.out.splitlines()
    width = heading.index("of this model")
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        name = line[:width].strip() or name
        found[name] = f"{found.get(name, '')} {line[width:].strip()}".strip()
    return found


def test_a_person_reads_what_a_model_is(
    run: Callable[..., Ran], tiny_model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = run("models", "info", str(tiny_model_folder))
    assert (ran.code, ran.err) == (0, "")
    assert max(len(line) for line in ran.out.splitlines()) <= 80
    said = rows(ran)
    assert said["model"].endswith("(sightline layout)")
    assert said["architecture"] == "its own"
    assert said["image tower"].startswith("ViT, 4 × 4 patches, 8 px each, 2 layers, width 32")
    assert said["context"] == "16 tokens, marks included"
    assert said["texts"] == (
        "CLIP's byte pairs, cleaned as 'openai', start 49406, end 49407, pad 0, template 'a photo "
        "of a {}.'"
    )
    assert said["pictures"] == (
        "shortest side to 32 px, then the middle 32 × 32, bicubic, crop rounded half_even, mean "
        "0.5 0.5 0.5, deviation 0.5 0.5 0.5"
    )
    assert said["scores"] == "softmax of 14.29 × cosine: shares among the labels given"
    assert said["licence"] == "MIT"
    assert said["origin"] == "drawn at random for a test"
    assert said["fingerprint"] == read(tiny_model_folder).fingerprint
    assert said["memory"] == "6.49 MB as stored (F32), 6.49 MB in float32"
    assert said["parameters"].startswith("1.62 M (image ")
    assert "for a picture" in said["GFLOPs"]


def test_json_is_one_object_with_the_spec_in_it(
    run: Callable[..., Ran], tiny_model_folder: Path
) -> None:
    [line] = run("models", "info", str(tiny_model_folder), "--json").out.splitlines()
    found = json.loads(line)
    assert found["architecture"] == {"name": "its own", "but_for": []}
    assert found["spec"]["words"]["context_length"] == 16
    assert found["memory_bytes"]["stored"] == found["memory_bytes"]["float32"]
    assert found["fingerprint"] == read(tiny_model_folder).fingerprint


def test_a_published_folder_is_described_with_what_libraries_disagree_about(
    run: Callable[..., Ran], desk: Path
) -> None:
    tiny_siglip.write(desk / "siglip")
    said = rows(run("models", "info", "siglip"))
    assert said["scores"] == "sigmoid of 10 × cosine -2: a probability per label"
    assert said["pictures"].startswith("squashed to 32 × 32 px, bicubic, mean 0.5 0.5 0.5")
    assert said["texts"].startswith("tokenizer.json, cleaned as 'canonical_delete', start none")
    assert said["licence"] == "unknown"
    assert "remark" in said


def test_it_needs_no_torch_and_runs_no_tower(tiny_model_folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, str(tiny_model_folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout.splitlines()[-1], ran.stderr) == ("0 False", "")


def test_a_bare_file_needs_its_name(
    run: Callable[..., Ran], desk: Path, tiny_model_folder: Path
) -> None:
    convert(read(tiny_model_folder), desk / "theirs", "openclip")
    (desk / "theirs" / "open_clip_model.safetensors").rename(desk / "bare.safetensors")
    ran = run("models", "info", "bare.safetensors")
    assert ran.code == 4
    assert ran.err.endswith("name it, as in architecture='ViT-B-32' or --architecture ViT-B-32\n")
    ran = run("models", "info", "bare.safetensors", "--architecture", "ViT-B32")
    assert ran.err.endswith("unknown architecture 'ViT-B32': did you mean 'ViT-B-32'?\n")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1 k"),
        (151_277_313, "151 M"),
        (11_600_000, "11.6 M"),
        (999_499, "999 k"),
        (999_999, "1 M"),
        (2_540_000_000, "2.54 G"),
        (3_000_000_000_000, "3000 G"),
    ],
)
def test_numbers_have_three_digits_and_a_unit(number: int, said: str) -> None:
    assert _short(number) == said
