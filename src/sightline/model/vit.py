"""The vision transformer as image tower. Enter at `ImageTransformer`."""

import torch
from torch import Tensor, nn

from sightline.model.blocks import Block
from sightline.model.pool import AttentionPool
from sightline.model.stem import build_stem
from sightline.shapes import Float, Int64
from sightline.spec.towers import ViT


class ImageTransformer(nn.Module):
    """Stem, positions, blocks, pool and projection, each as the spec says."""

    def __init__(self, spec: ViT, embed_dim: int) -> None:
        super().__init__()
        self.spec = spec
        patches = spec.grid**2
        self.stem = build_stem(spec.stem, spec.width)
        self.class_token = nn.Parameter(torch.empty(spec.width)) if spec.class_token else None
        self.positions = (
            nn.Parameter(torch.empty(patches + spec.class_token, spec.width))
            if spec.position == "learned"
            else None
        )
        norm = nn.LayerNorm(spec.width, eps=spec.norm_eps) if spec.pre_norm else nn.Identity()
        self.pre_norm: nn.Module = norm
        self.blocks = nn.ModuleList(Block(spec, causal=False) for _ in range(spec.layers))
        self.final_norm = nn.LayerNorm(spec.width, eps=spec.norm_eps)
        self.pool = AttentionPool(spec) if spec.pool == "attention" else None
        self.projection: nn.Module = (
            nn.Linear(spec.width, embed_dim, bias=False)
            if spec.projection == "matrix"
            else nn.Identity()
        )

    def forward(
        self,
        pixels: Float[Tensor, "images 3 height width"],
        keep: Int64[Tensor, "images kept"] | None = None,
    ) -> Float[Tensor, "images embed_dim"]:
        """Encode whole images.

        Args:
            pixels: Normalised pixels at the spec's size.
            keep: For training with patch dropout: which patches of each image go on (arXiv
                2212.00794). None keeps all.
        """
        tokens = self._tokens(pixels, keep)
        if self.spec.final_norm == "before_pool":
            return self.projection(self._pool(self.final_norm(tokens)))
        return self.projection(self.final_norm(self._pool(tokens)))

    def patches(
        self, pixels: Float[Tensor, "images 3 height width"]
    ) -> Float[Tensor, "images patches embed_dim"]:
        """Encode each patch into the shared space, as if it were what the pool returned.

        Under a class token or a mean that is the final norm and the projection of the patch's
        own token; under an attention pool, the pool over that token alone.
        """
        tokens = self._tokens(pixels, None)[:, int(self.spec.class_token) :]
        if self.spec.final_norm == "before_pool":
            tokens = self.final_norm(tokens)
        if self.pool is not None:
            tokens = self.pool.each(tokens)
        if self.spec.final_norm == "after_pool":
            tokens = self.final_norm(tokens)
        return self.projection(tokens)

    def _tokens(self, pixels: Tensor, keep: Tensor | None) -> Tensor:
        """Return all tokens after the last block, the class token first where there is one."""
        tokens = self.stem(pixels)
        extra = int(self.spec.class_token)
        if self.positions is not None:
            tokens = tokens + self.positions[extra:]
        if keep is not None:
            tokens = tokens.gather(1, keep.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
        if self.class_token is not None:
            first: Tensor = self.class_token
            if self.positions is not None:
                first = first + self.positions[0]
            # The class token takes the stem's dtype: under autocast the two differ.
            first = first.to(tokens.dtype).expand(tokens.shape[0], 1, -1)
            tokens = torch.cat([first, tokens], dim=1)
        tokens = self.pre_norm(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens

    def _pool(self, tokens: Tensor) -> Tensor:
        """Make one vector of each image's tokens; a mean leaves the class token out."""
        if self.pool is not None:
            return self.pool(tokens)
        if self.spec.pool == "mean":
            return tokens[:, int(self.spec.class_token) :].mean(dim=1)
        return tokens[:, 0]
