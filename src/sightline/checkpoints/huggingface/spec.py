"""Hugging Face's configs of CLIP and SigLIP as specs. Enter at `clip_spec` and `siglip_spec`."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from sightline.checkpoints.huggingface.config import (
    Clip,
    ClipVision,
    Siglip,
    SiglipVision,
    Tower,
)
from sightline.checkpoints.tokenizer_facts import TokenizerFacts
from sightline.errors import SpecError
from sightline.spec.architectures import CLIP_HEAD, SIGLIP_HEAD
from sightline.spec.clean import Cleaning
from sightline.spec.pixels import PixelRecipe
from sightline.spec.towers import (
    Activation,
    PatchStem,
    Spec,
    TextTransformer,
    ViT,
)
from sightline.spec.words import TextRecipe

LEGACY_END = 2  # the end id of configs from before transformers 4.31: it pools the highest id

# `ACT2FN` of transformers `activations.py`.
ACTIVATIONS: Mapping[str, Activation] = {
    "quick_gelu": "quick_gelu",
    "gelu": "gelu",
    "gelu_fast": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}

# Which cleaning goes with which class of tokenizer, as the models were trained: CLIP behind ftfy,
# which transformers leaves out; SigLIP 2 on lower-cased text (big_vision README_siglip2). The last
# of those that clean alike is written.
CLEANINGS: Mapping[str, Cleaning] = {
    "CLIPTokenizerFast": "openai",
    "CLIPTokenizer": "openai",
    "SiglipTokenizerFast": "canonical_delete",
    "SiglipTokenizer": "canonical_delete",
    "GemmaTokenizerFast": "lower",
    "GemmaTokenizer": "lower",
    "Siglip2Tokenizer": "lower",
}


Numbers: TypeAlias = dict[str, Any]


def huggingface_words(tokenizer: TokenizerFacts, context_length: int, template: str) -> TextRecipe:
    """Describe how a folder's texts become rows: as its tokenizer's files say, not its config.

    Raises:
        SpecError: They do not say how texts are cleaned, or what rows are padded with.
    """
    kind = tokenizer.kind
    cleaning = "openai" if tokenizer.clip else CLEANINGS.get(str(kind))
    if cleaning == "openai" and tokenizer.unlike_clip:
        cleaning = "whitespace"  # its file lower-cases, but for the words that were added
    if cleaning is None and tokenizer.unlike_clip:
        raise SpecError(
            f"tokenizer.json has CLIP's merges with {', '.join(tokenizer.unlike_clip)}, and the "
            f"tokenizer_class {kind!r} does not say how texts are cleaned: use a checkpoint that "
            "does"
        )
    if cleaning is None or tokenizer.pad_id is None:
        raise SpecError(
            f"tokenizer_config.json has the tokenizer_class {kind!r} and a pad_token of id "
            f"{tokenizer.pad_id}: write there one of {', '.join(CLEANINGS)} and the pad_token"
        )
    return TextRecipe(
        tokenizer="clip" if tokenizer.clip else "file",
        clean=cleaning,
        context_length=context_length,
        start_id=tokenizer.start_id,
        end_id=tokenizer.end_id,
        pad_id=tokenizer.pad_id,
        template=template,
    )


def activation(name: str) -> Activation:
    """Return what a name of transformers means.

    Raises:
        SpecError: It is none that is read here.
    """
    if name not in ACTIVATIONS:
        raise SpecError(f"activation {name!r} is none of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def _one(key: str, said: int | tuple[int, ...]) -> int:
    """Return the number that a key says, alone or in a list of equal ones."""
    numbers = {said} if isinstance(said, int) else set(said)
    if len(numbers) != 1:
        raise SpecError(f"{key} is {sorted(numbers)[:9]}, and one number is read here")
    return numbers.pop()


def _numbers(tower: Tower) -> Numbers:
    """Return the fields that image and text towers of a spec share."""
    return {
        "width": tower.hidden_size,
        "layers": tower.num_hidden_layers,
        "heads": tower.num_attention_heads,
        "mlp_width": tower.intermediate_size,
        "activation": activation(tower.hidden_act),
        "norm_eps": tower.layer_norm_eps,
    }


def _image_numbers(image: ClipVision | SiglipVision, *, bias: bool) -> Numbers:
    """Return the fields of an image tower that both families have; `bias` is the patch layer's."""
    return {
        **_numbers(image),
        "size_px": _one("image_size", image.image_size),
        "stem": PatchStem(patch=_one("patch_size", image.patch_size), bias=bias),
        "position": "learned",
        "position_resized": "no",
    }


def clip_spec(config: Clip, pixels: PixelRecipe, words: TextRecipe) -> Spec:
    """Describe a CLIPModel.

    Raises:
        SpecError: Its config and its tokenizer disagree, or it says what a spec cannot.
    """
    text, image = config.text, config.vision
    end_id = _one("text_config.eos_token_id", text.eos_token_id)
    legacy = end_id == LEGACY_END
    if not legacy and end_id != words.end_id:
        raise SpecError(
            f"text_config.eos_token_id is {end_id} and the tokenizer ends a text with "
            f"{words.end_id}: correct whichever is wrong"
        )
    return Spec(
        image=ViT(
            **_image_numbers(image, bias=False),
            class_token=True,
            pre_norm=True,
            pool="class_token",
            final_norm="after_pool",
            projection="matrix",
        ),
        text=TextTransformer(
            **_numbers(text),
            vocab_size=text.vocab_size,
            causal=True,
            pool="highest_id" if legacy else "end_token",
            projection="matrix",
        ),
        head=msgspec.structs.replace(CLIP_HEAD, logit_scale=config.logit_scale_init_value),
        embed_dim=config.projection_dim,
        pixels=pixels,
        words=words,
    )


def siglip_spec(config: Siglip, pixels: PixelRecipe, words: TextRecipe) -> Spec:
    """Describe a SiglipModel.

    Raises:
        SpecError: It says what a spec cannot.
    """
    text, image = config.text, config.vision
    return Spec(
        image=ViT(
            **_image_numbers(image, bias=True),
            class_token=False,
            pre_norm=False,
            pool="attention",
            final_norm="before_pool",
            projection="none",
        ),
        text=TextTransformer(
            **_numbers(text),
            vocab_size=text.vocab_size,
            causal=False,
            pool="last",
            projection="matrix_and_bias",
        ),
        head=SIGLIP_HEAD,
        embed_dim=text.projection_size or text.hidden_size,
        pixels=pixels,
        words=words,
    )
