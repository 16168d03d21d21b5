"""The text tower's promise about trimmed rows; parity is in test_clip.py."""

from typing import Any

import msgspec
import pytest
import torch

from reference_weights import randomise
from sightline.model.text import TextTower
from sightline.spec.towers import TextTransformer
from tiny_specs import SIGLIP_TEXT, TEXT, tiny_spec

replace = msgspec.structs.replace
IDS = torch.tensor([[98, 5, 7, 99, *[0] * 8], [98, 3, 99, *[0] * 9]])


@torch.no_grad()
def trimming_moves(text: TextTransformer, **changes: Any) -> float:
    """Return how far the vectors move when pads are trimmed to the longest row."""
    tower = TextTower(tiny_spec(text=text, **changes))
    randomise(tower)
    return float((tower(IDS) - tower(IDS[:, :4])).abs().max())


@pytest.mark.parametrize("pool", ["highest_id", "end_token"])
def test_trimmed_rows_give_the_same_vectors_where_the_spec_says_so(pool: Any) -> None:
    text = replace(TEXT, pool=pool)
    assert text.may_trim
    assert trimming_moves(text) < 1e-6


@pytest.mark.parametrize(
    "text", [SIGLIP_TEXT, replace(TEXT, causal=False), replace(TEXT, pool="mean")]
)
def test_control_trimming_moves_every_other_tower(text: TextTransformer) -> None:
    assert not text.may_trim
    assert trimming_moves(text) > 1e-3
