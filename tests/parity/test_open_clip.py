"""Folders of OpenCLIP, opened here and compared stage by stage.

Five small networks in three precisions, 248 controls. Worst differences and weakest controls:
float32 4.4e-7 (CLIPA, projected) and 2.0e-4 (tanh for exact GELU), float16 1.1e-3 (three of them)
and 1.0e-2 (quick GELU), bfloat16 9.1e-3 (CLIPA, pooled) and 2.0e-2 (order of patches).
"""

from pathlib import Path

import pytest

from parity_checks import FullCases, SmallCases, asked

SMALL = ["ViT", "ViT, text apart", "ViT, mean pool", "CLIPA", "ModifiedResNet"]
FULL = ["ViT-B-16", "timm-SigLIP2-B-32", "timm-SigLIP2-B-32, tagged"]


@pytest.mark.parametrize("name", SMALL)
class TestSmall(SmallCases):
    library = "open_clip"


@pytest.mark.parametrize("name", FULL)
class TestFull(FullCases):
    library = "open_clip"


def test_no_small_case_is_left_out(root: Path) -> None:
    assert {path.name for path in asked("open_clip", root).iterdir()} == set(SMALL)
