"""The transformer over token ids as text tower. Enter at `TextTower`."""

import torch
from torch import Tensor, nn

from sightline.model.blocks import Block
from sightline.model.pool import pool_text
from sightline.shapes import Float, Int64
from sightline.spec.towers import Spec


class TextTower(nn.Module):
    """Token and position tables, blocks, pool and projection, each as the spec says."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        shape = spec.text
        self.shape = shape
        self.end_id = spec.words.end_id
        self.tokens = nn.Embedding(shape.vocab_size, shape.width)
        self.positions = nn.Parameter(torch.empty(spec.words.context_length, shape.width))
        self.blocks = nn.ModuleList(Block(shape, causal=shape.causal) for _ in range(shape.layers))
        self.final_norm = nn.LayerNorm(shape.width, eps=shape.norm_eps)
        self.projection: nn.Module = nn.Identity()
        if shape.projection != "none":
            bias = shape.projection == "matrix_and_bias"
            self.projection = nn.Linear(shape.width, spec.embed_dim, bias=bias)

    def forward(self, ids: Int64[Tensor, "captions tokens"]) -> Float[Tensor, "captions embed_dim"]:
        """Encode rows of ids, full or trimmed.

        Args:
            ids: As the spec's words lay them out. Rows shorter than the context length are exact
                only where `TextTransformer.may_trim` says so.
        """
        hidden = self.tokens(ids) + self.positions[: ids.shape[1]]
        for block in self.blocks:
            hidden = block(hidden)
        return self.projection(pool_text(self.final_norm(hidden), ids, self.shape, self.end_id))
