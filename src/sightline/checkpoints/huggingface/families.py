"""The classes of transformers that are read and written here. Enter at `FAMILIES`."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sightline.checkpoints.huggingface.config import Clip, Siglip
from sightline.checkpoints.huggingface.settings import clip_settings, siglip_settings
from sightline.checkpoints.huggingface.spec import clip_spec, siglip_spec
from sightline.errors import SpecError
from sightline.spec.pixels import PixelRecipe
from sightline.spec.towers import PatchStem, Spec, ViT
from sightline.spec.words import TextRecipe


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One class of transformers."""

    config: Any  # the struct that its config.json is
    table: str  # its tensors' names, in NAME_TABLES
    template: str  # the prompt that its papers recommend
    spec: Callable[[Any, PixelRecipe, TextRecipe], Spec]
    settings: Callable[[Spec], dict[str, Any]]  # config.json, from a spec
    remarks: tuple[str, ...]


FAMILIES: Mapping[str, Family] = {
    "clip": Family(
        config=Clip,
        table="huggingface-clip",
        template="a photo of a {}.",
        spec=clip_spec,
        settings=clip_settings,
        remarks=(
            "transformers tokenizes without ftfy; texts are cleaned here as OpenAI trained with",
            "transformers rounds the crop's offset down, as here; OpenAI and OpenCLIP round it to "
            "even, which is a pixel beside on every other odd size",
        ),
    ),
    "siglip": Family(
        config=Siglip,
        table="huggingface-siglip",
        template="This is a photo of {}.",
        spec=siglip_spec,
        settings=siglip_settings,
        remarks=(
            "pad and end ids are those of the tokenizer's own files: transformers' configs of "
            "SigLIP 2 name others (49407 and 1), which no text was trained with",
            "transformers' SigLIP has the tanh GELU throughout, OpenCLIP's the exact one in its "
            "image tower: the layout that was read decides",
        ),
    ),
}

# Families that a spec cannot say: refused by name.
REFUSED: Mapping[str, str] = {
    "siglip2": "SigLIP 2 of variable resolution (NaFlex) needs another pixel recipe and positions "
    "that are resized for each picture: use a checkpoint of fixed resolution",
    "chinese_clip": "its text tower is a BERT with token types, which is not read here",
    "altclip": "its text tower is an XLM-RoBERTa, which is not read here",
    "xclip": "it looks at videos, which are not read here",
    "clipseg": "it has a decoder for segments, which is not read here",
    "clip_vision_model": "it has no text tower: give the whole model",
    "clip_text_model": "it has no image tower: give the whole model",
    "siglip_vision_model": "it has no text tower: give the whole model",
    "siglip_text_model": "it has no image tower: give the whole model",
    "metaclip_2": "MetaCLIP 2 is not read yet",
    "vision-text-dual-encoder": "it joins any two towers, which is not read here",
}


def family_of(spec: Spec) -> Family | None:
    """Return the class of transformers whose config would give a spec's towers again."""
    if not (isinstance(spec.image, ViT) and isinstance(spec.image.stem, PatchStem)):
        return None
    for family in FAMILIES.values():
        config = msgspec.convert(family.settings(spec), family.config)
        try:
            again = family.spec(config, spec.pixels, spec.words)
        except SpecError:  # it could not be said in such a config
            continue
        image = msgspec.structs.replace(spec.image, position_resized="no")  # how they were made
        same = (again.image, again.text, again.embed_dim) == (image, spec.text, spec.embed_dim)
        if same and type(again.head) is type(spec.head):
            return family
    return None
