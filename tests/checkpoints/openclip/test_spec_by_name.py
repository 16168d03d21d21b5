"""A file whose architecture is named is the model that its folder would be."""

from types import ModuleType
from typing import Any

import pytest

from openclip_configs import described, published_pixels, shipped, tokenizer_of
from sightline.checkpoints.comparing import differences
from sightline.errors import SpecError
from sightline.spec import Spec, architecture
from sightline.spec.architectures import ARCHITECTURES, OTHER_PIXELS, REFUSED

SILENT: dict[str, Any] = {}  # what a folder says of pictures where it says nothing


def found(config: dict[str, Any], pixels: dict[str, Any]) -> Spec | str:
    """Return what our reader of folders makes of a config, or why it refuses it."""
    try:
        return described(config, tokenizer_of(config), pixels)
    except SpecError as error:
        return str(error)


def named(name: str) -> Spec | str:
    try:
        return architecture(name)
    except SpecError as error:
        return str(error)


def unlike(name: str, config: dict[str, Any], pixels: dict[str, Any]) -> object:
    """Return in what a name and a folder differ; nothing where they are one model."""
    by_name, by_folder = named(name), found(config, pixels)
    if isinstance(by_name, Spec) and isinstance(by_folder, Spec):
        return () if by_name == by_folder else differences(by_name, by_folder) or "what is said"
    if isinstance(by_name, str) and isinstance(by_folder, str):
        start = f"the architecture {name} is not read here: "
        reason = by_name.removeprefix(start)
        return () if by_name != reason and by_folder.startswith(reason) else (by_name, by_folder)
    return by_name, by_folder


def test_every_config_that_openclip_ships_is_the_same_by_name(open_clip: ModuleType) -> None:
    for name, config in shipped(open_clip).items():
        others = OTHER_PIXELS.get(name, {})
        every = published_pixels(open_clip, name)
        usual = [pixels for tag, pixels in every.items() if tag not in others]
        for pixels in usual or [SILENT]:
            assert unlike(name, config, pixels) == (), name


def test_weights_with_pixels_of_their_own_have_a_name(open_clip: ModuleType) -> None:
    for name, tags in OTHER_PIXELS.items():
        every = published_pixels(open_clip, name)
        for tag in tags:
            config = shipped(open_clip)[name]
            assert unlike(f"{name}/{tag}", config, every[tag]) == (), (name, tag)
            assert unlike(name, config, every[tag]) != ()


def test_control_another_config_is_another_model(open_clip: ModuleType) -> None:
    configs = shipped(open_clip)
    assert unlike("ViT-L-14", configs["ViT-L-14-quickgelu"], SILENT) == (
        "image.activation: 'quick_gelu', not 'gelu'",
        "text.activation: 'quick_gelu', not 'gelu'",
    )
    assert unlike("EVA02-B-16", configs["convnext_base"], SILENT) != ()
    assert unlike("EVA02-B-16", configs["ViT-B-16"], SILENT) != ()
    assert unlike("ViT-B-16", configs["EVA02-B-16"], SILENT) != ()


def test_no_name_is_ours_alone(open_clip: ModuleType) -> None:
    assert {*ARCHITECTURES, *REFUSED} == set(shipped(open_clip))


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if "SigLIP" in name])
def test_a_siglip_of_openclip_cleans_as_its_config_says(name: str, open_clip: ModuleType) -> None:
    """Hugging Face's files of the same weights say otherwise; that is theirs."""
    assert shipped(open_clip)[name]["text_cfg"]["tokenizer_kwargs"] == {"clean": "canonicalize"}
    assert architecture(name).words.clean == "canonical_space"
