"""What a model is, as frozen data: two towers, a head, pixels and words. Enter at `Spec`."""

from typing import Literal, TypeAlias

import msgspec

from sightline.errors import SpecError
from sightline.spec.limits import require_eps, require_layers, require_positive
from sightline.spec.pixels import PixelRecipe
from sightline.spec.words import TextRecipe

Activation: TypeAlias = Literal["quick_gelu", "gelu", "gelu_tanh"]
Resized: TypeAlias = Literal["no", "antialias", "plain"]  # how positions came to their size


class PatchStem(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="patch",
):
    """One convolution with kernel = stride = `patch` pixels."""

    patch: int
    bias: bool

    def __post_init__(self) -> None:
        require_positive("stem", patch=self.patch)

    @property
    def stride(self) -> int:
        """Pixels of the input per token, along one edge."""
        return self.patch


class ConvStem(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="convolutions",
):
    """A stride-2 3×3 convolution, then stages of residual blocks that halve the map each.

    Early convolutions make small transformers train faster (Xiao et al., arXiv 2106.14881);
    the blocks are the basic ones of He et al., arXiv 1512.03385, with batch norm.
    """

    first: int  # channels of the first convolution
    channels: tuple[int, ...]  # of each stage; the last feeds the blocks through a 1×1 convolution
    blocks: tuple[int, ...]  # residual blocks in each stage

    def __post_init__(self) -> None:
        if not self.channels or len(self.channels) != len(self.blocks):
            raise SpecError(
                f"a convolutional stem needs as many block counts as stages, got "
                f"channels {self.channels} and blocks {self.blocks}: give one count per stage"
            )
        # A stage without a block would not halve the map.
        numbers = (self.first, *self.channels, *self.blocks)
        require_positive("stem", **{"channel or block count": min(numbers)})
        require_layers("stem", *self.blocks, len(self.blocks))

    @property
    def stride(self) -> int:
        """Pixels of the input per token, along one edge."""
        return int(2 ** (1 + len(self.channels)))


class ViT(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="vit",
):
    """A vision transformer as image tower (Dosovitskiy et al., arXiv 2010.11929)."""

    size_px: int  # edge of the square input
    stem: PatchStem | ConvStem
    width: int
    layers: int
    heads: int
    mlp_width: int
    activation: Activation
    norm_eps: float
    class_token: bool
    position: Literal["learned", "none"]  # none: a convolutional stem already tells positions
    position_resized: Resized
    pre_norm: bool  # a norm between the stem and the first block: CLIP yes, SigLIP no
    pool: Literal["class_token", "mean", "attention"]
    final_norm: Literal["before_pool", "after_pool"]
    projection: Literal["matrix", "none"]  # to embed_dim, without bias

    def __post_init__(self) -> None:
        require_positive(
            "image",
            width=self.width,
            heads=self.heads,
            mlp_width=self.mlp_width,
        )
        require_eps("image", self.norm_eps)
        require_layers("image", self.layers)
        # A patch stem leaves the pixels beyond the last whole patch out, and one published model
        # relies on it: SigLIP SO400M/14 at 384 px has 27 × 27 patches of 14.
        exact = isinstance(self.stem, ConvStem)
        if self.size_px < self.stem.stride or (exact and self.size_px % self.stem.stride):
            raise SpecError(
                f"an image tower of {self.size_px} px is not a multiple of its stem's stride "
                f"{self.stem.stride}: change size_px"
            )
        if self.width % self.heads:
            raise SpecError(
                f"image width {self.width} is not a multiple of heads {self.heads}: change one"
            )
        if self.pool == "class_token" and not self.class_token:
            raise SpecError(
                "image pool 'class_token' needs class_token = true: set it or pool otherwise"
            )

    @property
    def grid(self) -> int:
        """Tokens along one edge, without the class token."""
        return self.size_px // self.stem.stride


class ResNet(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="resnet",
):
    """CLIP's modified ResNet (Radford et al., arXiv 2103.00020, section 2.4).

    Three-convolution stem, average pools before strided convolutions, attention pool whose output
    projection (with bias) is the projection to the shared space.
    """

    size_px: int
    width: int  # of the first stage; the attention pool sees 32 × width
    layers: tuple[int, int, int, int]  # bottleneck blocks in each stage
    heads: int  # of the attention pool
    position_resized: Resized  # those of the attention pool

    def __post_init__(self) -> None:
        require_positive(
            "image",
            size_px=self.size_px,
            width=self.width,
            heads=self.heads,
        )
        require_layers("image", *self.layers, least=1)
        if self.size_px % 32:
            raise SpecError(
                f"a ResNet of {self.size_px} px is not a multiple of 32: change size_px"
            )
        if self.width * 32 % self.heads:
            raise SpecError(
                f"ResNet width 32 × {self.width} is not a multiple of heads {self.heads}: "
                "change one"
            )

    @property
    def grid(self) -> int:
        """Cells along one edge of the last feature map."""
        return self.size_px // 32


class TextTransformer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A transformer over token ids as text tower."""

    vocab_size: int
    width: int
    layers: int
    heads: int
    mlp_width: int
    activation: Activation
    norm_eps: float
    causal: bool
    pool: Literal["highest_id", "end_token", "last", "first", "mean"]
    projection: Literal["matrix", "matrix_and_bias", "none"]

    def __post_init__(self) -> None:
        require_positive(
            "text",
            vocab_size=self.vocab_size,
            width=self.width,
            heads=self.heads,
            mlp_width=self.mlp_width,
        )
        require_eps("text", self.norm_eps)
        require_layers("text", self.layers)
        if self.width % self.heads:
            raise SpecError(
                f"text width {self.width} is not a multiple of heads {self.heads}: change one"
            )

    @property
    def may_trim(self) -> bool:
        """Whether pads after the end token provably cannot change the vector."""
        return self.causal and self.pool in ("highest_id", "end_token")


class Softmax(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="softmax",
):
    """One image against all texts at once: probabilities sum to one over the texts."""

    logit_scale: float  # initial value, a logarithm; CLIP's is ln(1 / 0.07)
    max_scale: float  # the exponential is clamped here while training; CLIP's is 100

    def __post_init__(self) -> None:
        require_positive("head", max_scale=self.max_scale)


class Sigmoid(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="sigmoid",
):
    """Each pair by itself (Zhai et al., arXiv 2303.15343): a probability per label."""

    logit_scale: float  # initial value, a logarithm; SigLIP's is ln 10
    logit_bias: float  # initial value; SigLIP's is -10


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole model described, with nothing loaded."""

    image: ViT | ResNet
    text: TextTransformer
    head: Softmax | Sigmoid
    embed_dim: int  # width of the shared space
    pixels: PixelRecipe
    words: TextRecipe

    def __post_init__(self) -> None:
        require_positive("spec", embed_dim=self.embed_dim)
        if self.pixels.size_px != self.image.size_px:
            raise SpecError(
                f"pixels are {self.pixels.size_px} px but the image tower takes "
                f"{self.image.size_px} px: make them equal"
            )
        for side, tower in (("image", self.image), ("text", self.text)):
            bare = isinstance(tower, ViT | TextTransformer) and tower.projection == "none"
            if bare and tower.width != self.embed_dim:
                raise SpecError(
                    f"the {side} tower has no projection, so its width {tower.width} must equal "
                    f"embed_dim {self.embed_dim}"
                )
        for name, token in (("end_id", self.words.end_id), ("pad_id", self.words.pad_id)):
            if token is not None and not 0 <= token < self.text.vocab_size:
                raise SpecError(
                    f"words.{name} {token} is outside the vocabulary of {self.text.vocab_size}: "
                    "give an id below it"
                )
        self._check_end()

    def _check_end(self) -> None:
        """Refuse a text pool that would not find the end of a caption."""
        pool, words = self.text.pool, self.words
        if pool not in ("highest_id", "end_token"):
            return
        if words.end_id is None:
            raise SpecError(f"text pool {pool!r} needs words.end_id: set it or pool otherwise")
        if words.start_id == words.end_id:
            raise SpecError(
                f"text pool {pool!r} takes the first end token and words.start_id is "
                f"{words.end_id} as well: give start and end ids of their own, or pool otherwise"
            )
        # A pad equal to the end is no fault: the first of the highest ids is taken.
        highest = max(words.pad_id, words.end_id, words.start_id or 0)
        if pool == "highest_id" and highest > words.end_id:
            raise SpecError(
                f"text pool 'highest_id' takes the end token for the highest id and words.end_id "
                f"{words.end_id} is below {highest}, the start or pad id: pool by 'end_token'"
            )
