"""The transformer block both towers are made of. Enter at `Block`."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.shapes import Float
from sightline.spec.towers import Activation, TextTransformer, ViT


def quick_gelu(x: Tensor) -> Tensor:
    """Approximate GELU as OpenAI trained with it: x · sigmoid(1.702 x)."""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: Mapping[Activation, Callable[[Tensor], Tensor]] = {
    "quick_gelu": quick_gelu,
    "gelu": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
}


BlockShape: TypeAlias = ViT | TextTransformer  # whose spec says what its blocks are like
MOST_SPELT_OUT = 256  # tokens: beyond, a training step would keep too many scores


class Attention(nn.Module):
    """Multi-head attention with four separate projections.

    Separate, because published layouts have them both ways and a fused matrix splits into views
    while separate ones would have to be copied into a fused one.
    """

    def __init__(self, width: int, heads: int, *, out_width: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, out_width or width)

    def forward(
        self,
        asking: Float[Tensor, "batch queries width"],
        seen: Float[Tensor, "batch tokens width"],
        *,
        causal: bool = False,
    ) -> Float[Tensor, "batch queries out_width"]:
        """Let each of `asking` read from all of `seen`, or from those not after it."""
        query, key, value = (
            project(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project, tokens in ((self.query, asking), (self.key, seen), (self.value, seen))
        )
        is_spelt_out = self.training and _is_fused_slow(query, key)
        attend = attend_spelt_out if is_spelt_out else functional.scaled_dot_product_attention
        read = attend(query, key, value, is_causal=causal)
        return self.out(read.transpose(1, 2).flatten(2))

    def alone(self, tokens: Float[Tensor, "batch tokens width"]) -> Tensor:
        """Return what a query reads from each token if that token is all it can see."""
        return self.out(self.value(tokens))


def _is_fused_slow(query: Tensor, key: Tensor) -> bool:
    """Whether torch's fused attention takes long to go back: in bfloat16 on a CPU.

    Its backward pass is four times slower there than the same sums spelt out (torch 2.13).
    """
    is_short = max(query.shape[-2], key.shape[-2]) <= MOST_SPELT_OUT
    return is_short and query.dtype == torch.bfloat16 and query.device.type == "cpu"


def attend_spelt_out(
    query: Float[Tensor, "batch heads queries head_width"],
    key: Float[Tensor, "batch heads tokens head_width"],
    value: Float[Tensor, "batch heads tokens head_width"],
    *,
    is_causal: bool = False,
) -> Float[Tensor, "batch heads queries head_width"]:
    """Attend step by step, the scores in float32, as fused attention has them inside."""
    with torch.autocast(query.device.type, enabled=False):
        asked = query.float() * query.shape[-1] ** -0.5
        scores = asked @ key.float().transpose(-2, -1)
        if is_causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(later, -math.inf)
        return scores.softmax(dim=-1).to(value.dtype) @ value


class MLP(nn.Module):
    """Two linear layers around an activation."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[shape.activation]
        self.up = nn.Linear(shape.width, shape.mlp_width)
        self.down = nn.Linear(shape.mlp_width, shape.width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Work on each token by itself."""
        return self.down(self.activation(self.up(tokens)))


class Block(nn.Module):
    """Attention, then an MLP, each behind a norm and beside a skip."""

    def __init__(self, shape: BlockShape, *, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.attention_norm = nn.LayerNorm(shape.width, eps=shape.norm_eps)
        self.attention = Attention(shape.width, shape.heads)
        self.mlp_norm = nn.LayerNorm(shape.width, eps=shape.norm_eps)
        self.mlp = MLP(shape)

    def forward(
        self, tokens: Float[Tensor, "batch tokens width"]
    ) -> Float[Tensor, "batch tokens width"]:
        """Pass the tokens on, mixed with one another and each reworked."""
        normed = self.attention_norm(tokens)
        tokens = tokens + self.attention(normed, normed, causal=self.causal)
        return tokens + self.mlp(self.mlp_norm(tokens))
