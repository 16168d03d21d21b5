"""Folders of transformers, opened here and compared stage by stage.

Five small networks in three precisions, 250 controls. Worst differences and weakest controls, as
`--parity-table` prints them: float32 2.2e-7 (SigLIP 2, pooled) and 1.9e-4 (exact for tanh GELU),
float16 1.1e-3 (SigLIP, logits) and 9.7e-3 (quick GELU), bfloat16 4.9e-3 (SigLIP, pooled) and
3.4e-2 (heads). Up to the projected vectors CLIP's stages are equal to the last bit.
"""

from pathlib import Path

import pytest

from parity_checks import FullCases, SmallCases, asked
from parity_stages import distances, open_case, our_stages

SMALL = ["CLIP", "CLIP, first end id", "CLIP, tanh GELU", "SigLIP", "SigLIP 2"]
FULL = ["ViT-L-14", "SigLIP-B-16"]
ROUNDING = {"bfloat16": 1e-3, "float16": 1e-4}  # a quarter of one


@pytest.mark.parametrize("name", SMALL)
class TestSmall(SmallCases):
    library = "transformers"


@pytest.mark.parametrize("name", FULL)
class TestFull(FullCases):
    library = "transformers"


def test_no_small_case_is_left_out(root: Path) -> None:
    assert {path.name for path in asked("transformers", root).iterdir()} == set(SMALL)


@pytest.mark.parametrize("precision", ROUNDING)
def test_norms_are_rounded_where_transformers_rounds_them(precision: str, root: Path) -> None:
    """Its logits are rounded too; ours are computed from vectors in float32."""
    case = open_case(asked("transformers", root) / "CLIP")
    found = distances(case.theirs(precision), our_stages(case, precision))
    assert max(far for stage, far in found.items() if stage != "logits") < ROUNDING[precision]
