"""OpenCLIP's configs as specs, and back. Enter at `openclip_spec` and `openclip_settings`."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from sightline.checkpoints.openclip.config import (
    Model,
    OpenClip,
    Preprocess,
    Text,
    Vision,
)
from sightline.checkpoints.tokenizer_facts import TokenizerFacts
from sightline.errors import SpecError
from sightline.spec.architectures import ARCHITECTURES, CLIP_HEAD, CLIP_WORDS, SIGLIP_HEAD
from sightline.spec.clean import Cleaning
from sightline.spec.limits import require_positive
from sightline.spec.pixels import PixelRecipe
from sightline.spec.towers import (
    Activation,
    PatchStem,
    ResNet,
    Sigmoid,
    Spec,
    TextTransformer,
    ViT,
)
from sightline.spec.words import TextRecipe

NORM_EPS = 1e-5  # torch's, where a config has no norm_kwargs

# timm's name of an image tower → the architecture that has it. The numbers of the table are timm's.
TIMM: Mapping[str, str] = {
    "vit_base_patch32_siglip_256": "ViT-B-32-SigLIP2-256",
    "vit_base_patch16_siglip_224": "ViT-B-16-SigLIP",
    "vit_base_patch16_siglip_256": "ViT-B-16-SigLIP-256",
    "vit_base_patch16_siglip_384": "ViT-B-16-SigLIP-384",
    "vit_base_patch16_siglip_512": "ViT-B-16-SigLIP-512",
    "vit_large_patch16_siglip_256": "ViT-L-16-SigLIP-256",
    "vit_large_patch16_siglip_384": "ViT-L-16-SigLIP-384",
    "vit_large_patch16_siglip_512": "ViT-L-16-SigLIP2-512",
    "vit_so400m_patch14_siglip_224": "ViT-SO400M-14-SigLIP",
    "vit_so400m_patch14_siglip_378": "ViT-SO400M-14-SigLIP-378",
    "vit_so400m_patch14_siglip_384": "ViT-SO400M-14-SigLIP-384",
    "vit_so400m_patch16_siglip_256": "ViT-SO400M-16-SigLIP2-256",
    "vit_so400m_patch16_siglip_384": "ViT-SO400M-16-SigLIP2-384",
    "vit_so400m_patch16_siglip_512": "ViT-SO400M-16-SigLIP2-512",
    "vit_giantopt_patch16_siglip_256": "ViT-gopt-16-SigLIP2-256",
    "vit_giantopt_patch16_siglip_384": "ViT-gopt-16-SigLIP2-384",
}
# `get_clean_fn` of open_clip tokenizer.py
CLEANINGS: Mapping[str, Cleaning] = {
    "canonicalize": "canonical_space",
    "lower": "openai",
    "whitespace": "whitespace",
}
# `approximate` of torch's GELU
GELUS: Mapping[str, Activation] = {"none": "gelu", "tanh": "gelu_tanh"}
RESIZES: Mapping[str, Literal["shortest", "squash", "longest_pad"]] = {
    "shortest": "shortest",
    "squash": "squash",
    "longest": "longest_pad",
}
IMAGE_POOLS: Mapping[str, Literal["class_token", "mean"]] = {"tok": "class_token", "avg": "mean"}
TEXT_POOLS: Mapping[str, Literal["highest_id", "end_token", "last", "first"]] = {
    "argmax": "highest_id",
    "eos": "end_token",
    "last": "last",
    "first": "first",
}


def openclip_spec(config: OpenClip, tokenizer: TokenizerFacts | None) -> Spec:
    """Describe the model of a config.

    Args:
        config: The file, understood.
        tokenizer: What its folder says; None where the config names no tokenizer, which is CLIP's.

    Raises:
        SpecError: The config says what a spec cannot.
    """
    model = config.model_cfg
    image = _image(model)
    head = CLIP_HEAD if model.init_logit_bias is None else SIGLIP_HEAD
    if model.init_logit_scale is not None:
        head = msgspec.structs.replace(head, logit_scale=model.init_logit_scale)
    if isinstance(head, Sigmoid) and model.init_logit_bias is not None:
        head = msgspec.structs.replace(head, logit_bias=model.init_logit_bias)
    words = _words(model.text_cfg, tokenizer, sigmoid=isinstance(head, Sigmoid))
    _refuse_another_end(model.text_cfg, words)
    return Spec(
        image=image,
        text=_text(model),
        head=head,
        embed_dim=model.embed_dim,
        pixels=_pixels(config.preprocess_cfg or Preprocess(), image.size_px),
        words=words,
    )


def _refuse_another_end(text: Text, words: TextRecipe) -> None:
    """Refuse to pool at an id that no row ends with: OpenCLIP then takes the first token."""
    if TEXT_POOLS[text.pool_type] == "end_token" and text.eos_id != words.end_id:
        raise SpecError(
            f"text_cfg.eos_id is {text.eos_id} and the tokenizer ends a text with {words.end_id}: "
            "correct whichever is wrong"
        )


def _activation(quick: bool, arguments: Mapping[str, Any] | None) -> Activation:
    """Return what a flag and the arguments of torch's GELU mean together."""
    if not arguments:
        return "quick_gelu" if quick else "gelu"
    known = GELUS.get(str(arguments.get("approximate")))
    if quick or known is None or len(arguments) > 1:
        raise SpecError(f"act_kwargs {dict(arguments)} are not read here")
    return known


def _norm_eps(arguments: Mapping[str, float] | None) -> float:
    if arguments and arguments.keys() != {"eps"}:
        raise SpecError(f"norm_kwargs {dict(arguments)} are not read here")
    return arguments["eps"] if arguments else NORM_EPS


def _mlp_width(where: str, width: int, ratio: float) -> int:
    """Return how wide an MLP is, rounded down as OpenCLIP does."""
    try:
        return int(width * ratio)
    except OverflowError as error:  # infinity, or a number that no float can hold
        raise SpecError(
            f"{where} has the mlp_ratio {ratio} for a width of {width}, which is no width of an "
            "MLP: correct whichever is wrong"
        ) from error


def _edge(key: str, said: int | tuple[int, int]) -> int:
    """Return the edge of a square, which may be said once or twice."""
    height, width = (said, said) if isinstance(said, int) else said
    if height != width:
        raise SpecError(f"vision_cfg.{key} is {height} × {width}, and only squares are read here")
    return height


def _image(model: Model) -> ViT | ResNet:
    image = model.vision_cfg
    if image.timm_model_name is not None:
        return _timm(image.timm_model_name, image)
    require_positive("vision_cfg", head_width=image.head_width)
    size_px = _edge("image_size", image.image_size)
    if isinstance(image.layers, tuple):
        return ResNet(
            size_px=size_px,
            width=image.width,
            layers=image.layers,
            heads=image.width * 32 // image.head_width,
            position_resized="no",
        )
    if image.patch_size is None:
        raise SpecError("vision_cfg has no patch_size")
    pool = IMAGE_POOLS[image.pool_type]
    # Of one token, a norm before the pool and one after it are the same.
    after = image.final_ln_after_pool or pool == "class_token"
    return ViT(
        size_px=size_px,
        stem=PatchStem(patch=_edge("patch_size", image.patch_size), bias=False),
        width=image.width,
        layers=image.layers,
        heads=image.width // image.head_width,
        mlp_width=_mlp_width("vision_cfg", image.width, image.mlp_ratio),
        activation=_activation(model.quick_gelu, image.act_kwargs),
        norm_eps=_norm_eps(image.norm_kwargs),
        class_token=True,
        position="learned",
        position_resized="no",
        pre_norm=not image.no_ln_pre,
        pool=pool,
        final_norm="after_pool" if after else "before_pool",
        projection="matrix",
    )


def _timm(name: str, image: Vision) -> ViT:
    """Return an image tower of timm, which brings its own numbers."""
    # Behind a full stop stands where its weights came from, which changes no tower.
    known = TIMM.get(name.partition(".")[0])
    if known is None or (image.timm_pool, image.timm_proj) != ("map", "none"):
        raise SpecError(
            f"its image tower is timm's {name!r} (pool {image.timm_pool!r}, projection "
            f"{image.timm_proj!r}), which is not read here: only {', '.join(TIMM)} with 'map' and "
            "'none' are"
        )
    tower = ARCHITECTURES[known].image
    assert isinstance(tower, ViT)
    return msgspec.structs.replace(tower, size_px=_edge("image_size", image.image_size))


def _text(model: Model) -> TextTransformer:
    text = model.text_cfg
    projection: Literal["matrix", "matrix_and_bias", "none"] = "matrix"
    if text.proj_bias:
        projection = "matrix_and_bias"
    if text.proj_type == "none":
        projection = "none"
    return TextTransformer(
        vocab_size=text.vocab_size,
        width=text.width,
        layers=text.layers,
        heads=text.heads,
        mlp_width=_mlp_width("text_cfg", text.width, text.mlp_ratio),
        # Only an image tower of timm goes past the flag.
        activation=_activation(model.quick_gelu, text.act_kwargs),
        norm_eps=_norm_eps(text.norm_kwargs),
        causal=not text.no_causal_mask,
        pool=TEXT_POOLS[text.pool_type],
        projection=projection,
    )


def _pixels(said: Preprocess, size_px: int) -> PixelRecipe:
    if said.size is not None and {said.size} != {size_px} and set([said.size]) != {(size_px,) * 2}:
        raise SpecError(f"preprocess_cfg.size is {said.size} and the tower takes {size_px} px")
    return PixelRecipe(
        size_px=size_px,
        resize=RESIZES[said.resize_mode],
        filter=said.interpolation,
        crop_rounding="half_even",
        mean=said.mean,
        std=said.std,
    )


def _words(text: Text, tokenizer: TokenizerFacts | None, *, sigmoid: bool) -> TextRecipe:
    """Describe how texts become rows: `get_tokenizer` of open_clip factory.py."""
    template = "This is a photo of {}." if sigmoid else CLIP_WORDS.template
    arguments = dict(text.tokenizer_kwargs or {})
    strip = arguments.pop("strip_sep_token", False)
    default = "lower" if tokenizer is None else "whitespace"
    cleaning = CLEANINGS.get(str(arguments.pop("clean", default)))
    if cleaning is None or arguments:
        raise SpecError(f"tokenizer_kwargs {text.tokenizer_kwargs} are not read here")
    if tokenizer is None:
        return msgspec.structs.replace(
            CLIP_WORDS, clean=cleaning, context_length=text.context_length, template=template
        )
    _refuse_unfollowed(tokenizer)
    assert tokenizer.pad_id is not None
    return TextRecipe(
        tokenizer="file",
        clean=cleaning,
        context_length=text.context_length,
        start_id=tokenizer.start_id,
        # OpenCLIP writes 0 over the end mark, a pad like any other.
        end_id=0 if strip else tokenizer.end_id,
        pad_id=tokenizer.pad_id,
        template=template,
    )


def _refuse_unfollowed(tokenizer: TokenizerFacts) -> None:
    """Refuse files that do not say by themselves what OpenCLIP's HFTokenizer makes of a text.

    It cleans, and then transformers does the rest: CLIP's own tokenizer is one of many here.
    """
    if tokenizer.file is None:
        raise SpecError(
            "text_cfg.hf_tokenizer_name means a tokenizer of transformers, and beside it is CLIP's "
            "in a form from before tokenizer.json: save it with a transformers that writes one"
        )
    if tokenizer.pad_id is None:
        raise SpecError("the tokenizer's files name no pad_token: add it to tokenizer_config.json")
    if tokenizer.clip and tokenizer.pad_id not in (tokenizer.start_id, tokenizer.end_id):
        raise SpecError(
            f"CLIP's tokenizer pads with the id {tokenizer.pad_id} here, a word that transformers "
            "then takes out of every text: name another pad_token in tokenizer_config.json"
        )
