"""Activations against their definitions, and attention against its formula."""

import math
from collections.abc import Callable
from unittest.mock import MagicMock

import pytest
import torch
from torch.nn import functional

from reference_weights import randomise
from sightline.model import blocks
from sightline.model.blocks import ACTIVATIONS, Attention, attend_spelt_out

X = torch.linspace(-4, 4, 33, dtype=torch.float64)
DEFINED = {
    "quick_gelu": lambda x: x / (1 + math.exp(-1.702 * x)),
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "gelu_tanh": lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


@pytest.mark.parametrize("name", DEFINED)
def test_activations_are_what_their_names_say(name: str) -> None:
    activation = ACTIVATIONS[name]  # type: ignore[index]
    expected = torch.tensor([DEFINED[name](x) for x in X.tolist()], dtype=torch.float64)
    torch.testing.assert_close(activation(X), expected)


def test_every_activation_is_tested() -> None:
    assert DEFINED.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("causal", [True, False])
@torch.no_grad()
def test_attention_is_a_softmax_of_scaled_products_per_head(causal: bool) -> None:
    attention = Attention(8, 2)
    randomise(attention)
    tokens = torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(1))
    query, key, value = (getattr(attention, part)(tokens)[0] for part in ("query", "key", "value"))
    read = torch.zeros(3, 8)
    for head in (slice(0, 4), slice(4, 8)):
        for at in range(3):
            seen = slice(0, at + 1) if causal else slice(0, 3)
            weights = (key[seen, head] @ query[at, head] / 2).softmax(0)
            read[at, head] = weights @ value[seen, head]
    torch.testing.assert_close(attention(tokens, tokens, causal=causal)[0], attention.out(read))


def heads(dtype: torch.dtype) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(2)
    drawn = (2 * torch.randn(2, 3, 9, 8, generator=draw) for _ in range(3))
    return [each.bfloat16().to(dtype).requires_grad_() for each in drawn]


def read_and_gradients(
    attend: Callable[..., torch.Tensor], dtype: torch.dtype, causal: bool
) -> list[torch.Tensor]:
    given = heads(dtype)
    read = attend(*given, is_causal=causal)
    weights = torch.linspace(-1, 1, read.numel(), dtype=dtype).view_as(read)
    return [
        each.detach().double()
        for each in (read, *torch.autograd.grad((read * weights).sum(), given))
    ]


@pytest.mark.parametrize("causal", [True, False])
def test_attention_spelt_out_in_bfloat16_is_as_close_as_the_fused_one(causal: bool) -> None:
    fused = functional.scaled_dot_product_attention
    exact = read_and_gradients(fused, torch.float64, causal)
    apart = [
        [float((a - b).norm() / b.norm()) for a, b in zip(found, exact, strict=True)]
        for found in (
            read_and_gradients(attend_spelt_out, torch.bfloat16, causal),
            read_and_gradients(fused, torch.bfloat16, causal),
        )
    ]
    ours, theirs = apart
    assert all(our < 1.5 * their + 1e-4 for our, their in zip(ours, theirs, strict=True))
    wrong = read_and_gradients(attend_spelt_out, torch.bfloat16, not causal)
    assert float((wrong[0] - exact[0]).norm() / exact[0].norm()) > 0.1  # control


def ways(attention: Attention, dtype: torch.dtype, tokens: int = 4) -> int:
    """Return how often attention is spelt out."""
    spelt_out = MagicMock(wraps=attend_spelt_out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "attend_spelt_out", spelt_out)
        seen = torch.zeros(1, tokens, 8)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            attention(seen, seen)
    return spelt_out.call_count


def test_attention_is_spelt_out_only_while_it_learns_in_bfloat16() -> None:
    attention = Attention(8, 2)
    assert ways(attention.train(), torch.bfloat16) == 1
    assert ways(attention.train(), torch.float32) == 0
    assert ways(attention.eval(), torch.bfloat16) == 0
    assert ways(attention.train(), torch.bfloat16, blocks.MOST_SPELT_OUT + 1) == 0
