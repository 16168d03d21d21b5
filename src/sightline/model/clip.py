"""Two towers and a head. Enter at `CLIP`."""

import torch
from torch import Tensor, nn

from sightline.model.initialise import initialise
from sightline.model.resnet import ImageResNet
from sightline.model.text import TextTower
from sightline.model.vit import ImageTransformer
from sightline.shapes import Float, Int64
from sightline.spec.towers import Sigmoid, Spec, ViT


class CLIP(nn.Module):
    """The network a spec describes, freshly drawn.

    To load weights instead, take one where nothing was drawn and hand the tensors over:

        model = undrawn(spec)
        model.load_state_dict(tensors, assign=True)
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.image: ImageTransformer | ImageResNet = (
            ImageTransformer(spec.image, spec.embed_dim)
            if isinstance(spec.image, ViT)
            else ImageResNet(spec.image, spec.embed_dim)
        )
        self.text = TextTower(spec)
        self.logit_scale = nn.Parameter(torch.tensor(spec.head.logit_scale))
        self.logit_bias = (
            nn.Parameter(torch.tensor(spec.head.logit_bias))
            if isinstance(spec.head, Sigmoid)
            else None
        )
        initialise(self.image, self.text)

    def encode_image(
        self,
        pixels: Float[Tensor, "images 3 height width"],
        keep: Int64[Tensor, "images kept"] | None = None,
    ) -> Float[Tensor, "images embed_dim"]:
        """Return one vector per image, not of unit length; `keep` is for patch dropout."""
        return self.image(pixels, keep)

    def encode_text(
        self, ids: Int64[Tensor, "captions tokens"]
    ) -> Float[Tensor, "captions embed_dim"]:
        """Return one vector per row of ids, not of unit length."""
        return self.text(ids)

    def encode_patches(
        self, pixels: Float[Tensor, "images 3 height width"]
    ) -> Float[Tensor, "images patches embed_dim"]:
        """Return one vector per patch or cell, row by row, not of unit length."""
        return self.image.patches(pixels)

    def logits(
        self,
        image: Float[Tensor, "images embed_dim"],
        text: Float[Tensor, "captions embed_dim"],
    ) -> Float[Tensor, "images captions"]:
        """Score every image with every text, both of unit length."""
        scores = self.logit_scale.exp() * image @ text.T
        return scores if self.logit_bias is None else scores + self.logit_bias
