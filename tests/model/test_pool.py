"""Which token each text pool takes; the attention pool is tested through the towers."""

from typing import Any

import msgspec
import pytest
import torch

from sightline.model.pool import pool_text
from tiny_specs import TEXT

IDS = torch.tensor([[98, 7, 50, 99, 50, 0], [98, 50, 3, 4, 99, 99], [98, 1, 2, 3, 4, 50]])
TAKEN = {  # pool: position taken in each row; mean is by itself below
    "highest_id": [3, 4, 0],
    "end_token": [2, 1, 5],
    "last": [5, 5, 5],
    "first": [0, 0, 0],
}


def pooled(pool: Any) -> torch.Tensor:
    hidden = torch.arange(3 * 6 * 2).view(3, 6, 2).float()
    return pool_text(hidden, IDS, msgspec.structs.replace(TEXT, pool=pool), 50)


@pytest.mark.parametrize("pool", TAKEN)
def test_each_pool_takes_its_token(pool: str) -> None:
    expected = [[12 * row + 2 * at, 12 * row + 2 * at + 1] for row, at in enumerate(TAKEN[pool])]
    assert pooled(pool).tolist() == expected


def test_a_mean_counts_the_pads() -> None:
    assert pooled("mean").tolist() == [[5, 6], [17, 18], [29, 30]]
