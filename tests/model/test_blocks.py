"""Activations against their definitions, and attention against its formula."""

import math

import pytest
import torch

from reference_weights import randomise
from sightline.model.blocks import ACTIVATIONS, Attention

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
