"""How many tokens become one vector. Enter at `AttentionPool` (images) or `pool_text` (texts)."""

import torch
from torch import Tensor, nn

from sightline.model.blocks import MLP, Attention, BlockShape
from sightline.shapes import Float, Int64
from sightline.spec.towers import TextTransformer


class AttentionPool(nn.Module):
    """SigLIP's head: one learned probe reads the tokens, then an MLP beside a skip.

    Source: big_vision `models/vit.py`, `MAPHead`.
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.probe = nn.Parameter(torch.empty(shape.width))
        self.attention = Attention(shape.width, shape.heads)
        self.norm = nn.LayerNorm(shape.width, eps=shape.norm_eps)
        self.mlp = MLP(shape)

    def forward(self, tokens: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch width"]:
        """Pool the tokens of each image."""
        probe = self.probe.expand(tokens.shape[0], 1, -1)
        read = self.attention(probe, tokens)
        return (read + self.mlp(self.norm(read)))[:, 0]

    def each(
        self, tokens: Float[Tensor, "batch tokens width"]
    ) -> Float[Tensor, "batch tokens width"]:
        """Pool each token as if it were the whole image."""
        read = self.attention.alone(tokens)
        return read + self.mlp(self.norm(read))


def pool_text(
    hidden: Float[Tensor, "captions tokens width"],
    ids: Int64[Tensor, "captions tokens"],
    how: TextTransformer,
    end_id: int | None,
) -> Float[Tensor, "captions width"]:
    """Take one vector from each caption's tokens, by `how.pool`.

    A mean is over all positions of the row, pads included: bidirectional towers see them too.
    """
    if how.pool == "mean":
        return hidden.mean(dim=1)
    if how.pool == "first":
        return hidden[:, 0]
    if how.pool == "last":
        return hidden[:, -1]
    found = ids
    if how.pool == "end_token":
        assert end_id is not None  # Spec refuses this pool without one
        found = ids.eq(end_id).to(torch.int32)
    # argmax takes the first of equals: the first end token, or the first of the highest ids.
    at = found.argmax(dim=1).view(-1, 1, 1).expand(-1, 1, hidden.shape[-1])
    return hidden.gather(1, at).squeeze(1)
