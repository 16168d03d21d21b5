"""Configs of transformers as specs and back, and what it assumes where a config is silent."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from transformers import CLIPConfig, SiglipConfig
from transformers.activations import ACT2FN

from sightline.checkpoints.huggingface import FAMILIES, family_of, processor_of
from sightline.checkpoints.huggingface.config import Clip, Siglip
from sightline.checkpoints.huggingface.pixels import pixels_of
from sightline.checkpoints.huggingface.spec import ACTIVATIONS, activation
from sightline.errors import SpecError
from sightline.model.blocks import ACTIVATIONS as OURS
from sightline.spec.architectures import ARCHITECTURES
from sightline.spec.towers import Spec
from tiny_specs import HYBRID, RESNET, SIGLIP_TEXT, SIGLIP_VIT, TEXT, VIT, tiny_spec

replace = msgspec.structs.replace
ROWS = {"clip": (Clip(), CLIPConfig()), "siglip": (Siglip(), SiglipConfig())}


@pytest.mark.parametrize("tower", ["text", "vision"])
@pytest.mark.parametrize("family", ROWS)
def test_a_silent_config_means_what_its_class_assumes(family: str, tower: str) -> None:
    ours, theirs = ROWS[family]
    part = getattr(theirs, f"{tower}_config").to_dict()
    said = msgspec.to_builtins(getattr(ours, tower))
    if said.get("projection_size", 0) is None:  # the width, if nothing is said
        said["projection_size"] = part["hidden_size"]
    assert {name: part[name] for name in said} == said


def test_a_silent_clip_projects_as_its_class_assumes() -> None:
    assert (Clip().projection_dim, Clip().logit_scale_init_value) == (
        CLIPConfig().projection_dim,
        CLIPConfig().logit_scale_init_value,
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_the_function_of_that_name(name: str) -> None:
    import torch

    numbers = torch.linspace(-6, 6, 1001)
    apart = (ACT2FN[name](numbers) - OURS[activation(name)](numbers)).abs().max()
    others = [
        (ACT2FN[name](numbers) - function(numbers)).abs().max()
        for kind, function in OURS.items()
        if kind != activation(name)
    ]
    assert apart < 1e-6
    assert min(others) > 1e-4  # the control


WRITABLE = {
    "CLIP": tiny_spec(),
    "first end": tiny_spec(VIT, replace(TEXT, pool="end_token")),
    "exact GELU": tiny_spec(replace(VIT, activation="gelu"), replace(TEXT, norm_eps=1e-6)),
    "SigLIP": tiny_spec(
        SIGLIP_VIT, SIGLIP_TEXT, embed_dim=32, head=ARCHITECTURES["ViT-B-16-SigLIP"].head
    ),
    **{
        name: spec
        for name, spec in ARCHITECTURES.items()
        if name in ("ViT-L-14-336-quickgelu", "ViT-bigG-14", "ViT-SO400M-14-SigLIP-384")
    },
}


@pytest.mark.parametrize("name", WRITABLE)
def test_a_config_gives_the_spec_again(name: str) -> None:
    spec = WRITABLE[name]
    family = family_of(spec)
    assert family is not None
    config = msgspec.convert(family.settings(spec), family.config)
    again = family.spec(config, spec.pixels, spec.words)
    assert replace(again, head=spec.head) == spec


@pytest.mark.parametrize(
    "spec",
    [
        tiny_spec(RESNET),
        tiny_spec(HYBRID),
        tiny_spec(replace(VIT, pre_norm=False)),
        tiny_spec(replace(VIT, pool="mean")),
        tiny_spec(VIT, replace(TEXT, causal=False)),
        tiny_spec(VIT, replace(TEXT, pool="last")),
        tiny_spec(SIGLIP_VIT, SIGLIP_TEXT, embed_dim=32),  # a softmax head
    ],
)
def test_control_what_no_class_can_be_has_no_family(spec: Spec) -> None:
    assert family_of(spec) is None


def test_an_end_id_that_the_tokenizer_does_not_write_is_refused() -> None:
    spec = WRITABLE["first end"]
    family = FAMILIES["clip"]
    config = msgspec.convert(family.settings(spec), Clip)
    with pytest.raises(SpecError) as caught:
        family.spec(config, spec.pixels, replace(spec.words, end_id=97))
    assert str(caught.value) == (
        "text_config.eos_token_id is 99 and the tokenizer ends a text with 97: correct whichever "
        "is wrong"
    )


@pytest.mark.parametrize("resize", ["shortest", "squash"])
def test_a_processor_gives_the_pixels_again(resize: Any) -> None:
    pixels = replace(
        tiny_spec().pixels, resize=resize, filter="bilinear", crop_rounding="floor", mean=(0.1,) * 3
    )
    said = processor_of(pixels)
    assert said is not None
    assert pixels_of(said, Path("p.json")) == pixels


@pytest.mark.parametrize("resize", ["shortest", "squash"])
def test_transformers_own_processor_makes_the_same_pixels(resize: Any) -> None:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    kinds: dict[str, Any] = {"shortest": CLIPImageProcessorPil, "squash": SiglipImageProcessorPil}
    pixels = replace(tiny_spec().pixels, resize=resize, crop_rounding="floor")
    said = processor_of(pixels)
    assert said is not None
    rgb = np.random.default_rng(0).integers(0, 256, (51, 78, 3), dtype=np.uint8)
    theirs = kinds[resize](**said)(rgb, return_tensors="np").pixel_values[0]
    assert np.array_equal(theirs, pixels.apply(rgb))


def test_no_processor_pads() -> None:
    assert processor_of(replace(tiny_spec().pixels, resize="longest_pad")) is None


def test_old_processors_give_plain_numbers() -> None:
    said: dict[str, Any] = {"size": 224, "crop_size": 224, "resample": 3, "do_center_crop": True}
    said |= {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "feature_extractor_type": "any"}
    pixels = pixels_of(said, Path("p.json"))
    assert (pixels.size_px, pixels.resize) == (224, "shortest")
