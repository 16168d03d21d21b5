"""The table against OpenCLIP's own configurations, row by row."""

from types import ModuleType
from typing import Any, TypeAlias

import pytest
from msgspec.structs import replace

from sightline.errors import SpecError
from sightline.spec import PatchStem, ResNet, Sigmoid, Softmax, ViT, architecture
from sightline.spec.architectures import ARCHITECTURES

Configuration: TypeAlias = dict[str, Any]

# timm 1.0.31 models/vision_transformer.py, `vit_<size>_siglip_<edge>`: OpenCLIP's configurations
# only name these. Patch, width, depth, heads, MLP width, activation.
TIMM = {
    "base_patch32": (32, 768, 12, 12, 3072, "gelu_tanh"),
    "base_patch16": (16, 768, 12, 12, 3072, "gelu"),
    "large_patch16": (16, 1024, 24, 16, 4096, "gelu"),
    "so400m_patch14": (14, 1152, 27, 16, int(1152 * 3.7362), "gelu"),
    "so400m_patch16": (16, 1152, 27, 16, int(1152 * 3.7362), "gelu_tanh"),
    "giantopt_patch16": (16, 1536, 40, 16, 6144, "gelu_tanh"),
}


def own_vit(vision: Configuration, quick: bool) -> dict[str, object]:
    """Say what OpenCLIP's VisionTransformer would be built with, in our fields."""
    width = vision["width"]
    return {
        "stem": PatchStem(patch=vision["patch_size"], bias=False),
        "width": width,
        "layers": vision["layers"],
        "heads": width // vision.get("head_width", 64),
        "mlp_width": int(width * vision.get("mlp_ratio", 4.0)),
        "activation": "quick_gelu" if quick else "gelu",
        "norm_eps": 1e-5,
        "class_token": True,
        "pre_norm": not vision.get("no_ln_pre", False),
        "pool": {"tok": "class_token", "avg": "mean"}[vision.get("pool_type", "tok")],
        "projection": "matrix",
    }


def timm_vit(vision: Configuration) -> dict[str, object]:
    """Say what timm's SigLIP tower would be built with, in our fields."""
    assert (vision["timm_pool"], vision["timm_proj"]) == ("map", "none")
    size = vision["timm_model_name"].removeprefix("vit_").partition("_siglip_")[0]
    patch, width, layers, heads, mlp_width, activation = TIMM[size]
    return {
        "stem": PatchStem(patch=patch, bias=True),
        "width": width,
        "layers": layers,
        "heads": heads,
        "mlp_width": mlp_width,
        "activation": activation,
        "norm_eps": 1e-6,
        "class_token": False,
        "pre_norm": False,
        "pool": "attention",
        "final_norm": "before_pool",
        "projection": "none",
    }


def image_fields(vision: Configuration, quick: bool) -> dict[str, object]:
    if isinstance(vision.get("layers"), list):
        heads = vision["width"] * 32 // 64
        return {"layers": tuple(vision["layers"]), "width": vision["width"], "heads": heads}
    return timm_vit(vision) if "timm_model_name" in vision else own_vit(vision, quick)


def text_fields(text: Configuration, quick: bool) -> dict[str, object]:
    tanh = text.get("act_kwargs", {}).get("approximate") == "tanh"
    gelu = "gelu_tanh" if tanh else "gelu"
    matrix = "matrix_and_bias" if text.get("proj_bias") else "matrix"
    pools = {"argmax": "highest_id", "last": "last", "eos": "end_token"}
    return {
        "vocab_size": text["vocab_size"],
        "width": text["width"],
        "layers": text["layers"],
        "heads": text["heads"],
        "mlp_width": int(text["width"] * text.get("mlp_ratio", 4.0)),
        "activation": "quick_gelu" if quick else gelu,
        "norm_eps": text.get("norm_kwargs", {"eps": 1e-5})["eps"],
        "causal": not text.get("no_causal_mask", False),
        "pool": pools[text.get("pool_type", "argmax")],
        "projection": "none" if text.get("proj_type") == "none" else matrix,
    }


def differences(name: str, configuration: Configuration) -> list[str]:
    """Name the fields in which a row of ours is not what OpenCLIP would build."""
    spec, quick = architecture(name), configuration.get("quick_gelu", False)
    image, text = configuration["vision_cfg"], configuration["text_cfg"]
    pairs = [
        ("embed_dim", spec.embed_dim, configuration["embed_dim"]),
        ("size_px", spec.image.size_px, image["image_size"]),
        ("context_length", spec.words.context_length, text["context_length"]),
        ("head", isinstance(spec.head, Sigmoid), "init_logit_bias" in configuration),
    ]
    pairs += [
        (f"image.{field}", getattr(spec.image, field), value)
        for field, value in image_fields(image, quick).items()
    ]
    pairs += [
        (f"text.{field}", getattr(spec.text, field), value)
        for field, value in text_fields(text, quick).items()
    ]
    return [field for field, ours, theirs in pairs if ours != theirs]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_row_is_what_open_clip_builds(name: str, open_clip: ModuleType) -> None:
    assert differences(name, open_clip.get_model_config(name)) == []


def test_control_another_row_is_caught(open_clip: ModuleType) -> None:
    quick = open_clip.get_model_config("ViT-B-32-quickgelu")
    assert differences("ViT-B-32", quick) == ["image.activation", "text.activation"]
    assert differences("ViT-H-14", open_clip.get_model_config("ViT-H-14-378")) == ["size_px"]
    assert "image.layers" in differences("RN50", open_clip.get_model_config("RN101"))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_family_decides_words_and_head(name: str) -> None:
    spec = architecture(name)
    family = next(mark for mark in FAMILIES if mark in name)
    words = spec.words
    assert (words.start_id, words.end_id, words.pad_id, words.clean) == FAMILIES[family]
    assert words.tokenizer == ("file" if family else "clip")
    if isinstance(spec.head, Softmax):
        assert spec.head == Softmax(logit_scale=2.659260036932778, max_scale=100.0)
    else:
        assert spec.head == Sigmoid(logit_scale=2.302585092994046, logit_bias=-10.0)
    assert isinstance(spec.head, Sigmoid) == ("SigLIP" in name)


# What a name holds → start, end and pad id, and cleaning. open_clip_torch 3.3.0 tokenizer.py and
# its configs: SigLIP pads with its end id, SigLIP 2 with Gemma's 0; CLIPA ends BERT's words with 0.
FAMILIES = {
    "SigLIP2": (None, 1, 0, "canonical_space"),
    "SigLIP": (None, 1, 1, "canonical_space"),
    "CLIPA": (101, 0, 0, "whitespace"),
    "L-14-worldwide": (None, 1, 0, "canonical_space"),
    "worldwide": (0, 2, 1, "whitespace"),
    "": (49406, 49407, 0, "openai"),
}


def test_a_patch_beyond_the_edge_is_left_out_where_the_published_model_does() -> None:
    image = architecture("ViT-SO400M-14-SigLIP-384").image
    assert isinstance(image, ViT)
    assert image.grid == 27


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ("ViT-B/32", "did you mean 'ViT-B-32'?"),
        ("rn50X4", "did you mean 'RN50x4'?"),
        ("ViT-B-16-SigLIP-255", "did you mean 'ViT-B-16-SigLIP-256'?"),
        ("coca-vit-b-32", "did you mean 'coca_ViT-B-32'?"),
        ("ViT-B-32/laion2b_e16", "give it without what follows ViT-B-32"),
        ("nope", "docs/architectures.md lists the 80 names of OpenCLIP's that are read"),
        (
            "ViT-S-32-alt-quickgelu",
            "docs/architectures.md lists the 80 names of OpenCLIP's that are read",
        ),
        ("", "docs/architectures.md lists the 80 names of OpenCLIP's that are read"),
        ("clip", "docs/architectures.md lists the 80 names of OpenCLIP's that are read"),
    ],
)
def test_an_unknown_name_is_told_the_nearest_or_where_all_are(wrong: str, advice: str) -> None:
    with pytest.raises(SpecError) as caught:
        architecture(wrong)
    assert str(caught.value) == f"unknown architecture {wrong!r}: {advice}"


def test_what_no_spec_can_say_is_refused_with_its_reason() -> None:
    with pytest.raises(SpecError) as caught:
        architecture("ViT-M-16-alt")
    assert str(caught.value) == (
        "the architecture ViT-M-16-alt is not read here: its image tower has layer scales"
    )


def test_weights_of_other_pixels_are_named_with_their_tag() -> None:
    plain, other = architecture("ViT-L-14"), architecture("ViT-L-14/laion2b_s32b_b82k")
    half = (0.5, 0.5, 0.5)
    assert other == replace(plain, pixels=replace(plain.pixels, mean=half, std=half))


def test_every_row_can_be_rebuilt_from_its_own_fields() -> None:
    for spec in ARCHITECTURES.values():
        assert replace(spec) == spec
    assert isinstance(ARCHITECTURES["RN50"].image, ResNet)
