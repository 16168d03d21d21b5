"""OpenCLIP's configs as specs and back: all that it ships, and what each of them is."""

from dataclasses import asdict, fields
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from openclip_configs import described, shipped
from sightline.checkpoints.comparing import differences
from sightline.checkpoints.openclip import OpenClip, openclip_settings, openclip_spec
from sightline.checkpoints.openclip.config import Preprocess, Text, Vision, refuse_unreadable
from sightline.checkpoints.tokenizer_facts import TokenizerFacts
from sightline.errors import SpecError
from sightline.spec.architectures import ARCHITECTURES, CLIP_WORDS, REFUSED
from sightline.spec.towers import ResNet, Spec, ViT
from tiny_specs import HYBRID, RESNET, TEXT, VIT, tiny_spec

replace = msgspec.structs.replace
SIGLIP_TOKENIZER = TokenizerFacts(
    file=Path("tokenizer.json"),
    clip=False,
    kind=None,
    start_id=None,
    end_id=1,
    pad_id=1,
    ids=9,
)
BERT_TOKENIZER = TokenizerFacts(
    file=Path("tokenizer.json"),
    clip=False,
    kind=None,
    start_id=101,
    end_id=102,
    pad_id=0,
    ids=103,
)


@pytest.mark.parametrize(("ours", "theirs"), [(Vision, "CLIPVisionCfg"), (Text, "CLIPTextCfg")])
def test_a_silent_config_means_what_openclip_assumes(
    ours: type[msgspec.Struct], theirs: str, open_clip: ModuleType
) -> None:
    kind = getattr(open_clip, theirs)
    assert {field.name for field in fields(kind)} == set(ours.__struct_fields__)
    assert msgspec.to_builtins(ours()) == asdict(kind())


def test_silent_preprocessing_means_what_openclip_assumes(open_clip: ModuleType) -> None:
    said = asdict(open_clip.transform.PreprocessCfg())
    ours = msgspec.to_builtins(Preprocess())
    assert {name: list(said[name]) if name in ("mean", "std") else said[name] for name in said} == {
        **ours,
        "mean": list(ours["mean"]),
        "std": list(ours["std"]),
        "size": 224,  # here the tower's own
    }


def refusal(config: dict[str, Any]) -> str | None:
    """Return why a config is not read; None where it is."""
    end_id = config["text_cfg"].get("eos_id", BERT_TOKENIZER.end_id)
    try:
        described(config, replace(BERT_TOKENIZER, end_id=end_id))
    except SpecError as error:
        return str(error)
    return None


def test_every_config_that_openclip_ships_is_read_or_refused_by_its_part(
    open_clip: ModuleType,
) -> None:
    said = {name: refusal(config) for name, config in shipped(open_clip).items()}
    refused = {name: reason for name, reason in said.items() if reason is not None}
    assert refused.keys() == REFUSED.keys()
    for name, reason in refused.items():
        part, _, rest = reason.partition(", which is not read here")
        assert part.startswith(("its image tower ", "its text tower ", "it has ")), name
        assert rest == "" or rest.startswith(": only vit_base_patch32_siglip_256, "), name


def test_clipa_s_texts_end_with_a_pad(open_clip: ModuleType) -> None:
    spec = described(shipped(open_clip)["ViT-L-14-CLIPA"], BERT_TOKENIZER)
    words = spec.words
    assert (words.start_id, words.end_id, words.pad_id, words.context_length) == (101, 0, 0, 32)
    assert words.clean == "whitespace"
    assert (spec.text.causal, spec.text.pool, spec.image.pool) == (False, "last", "mean")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        ("vision_cfg", {"act_kwargs": {"approximate": "sigmoid"}}, "act_kwargs"),
        ("vision_cfg", {"norm_kwargs": {"bias": 1.0}}, "norm_kwargs"),
        ("vision_cfg", {"patch_size": None}, "vision_cfg has no patch_size"),
        (
            "vision_cfg",
            {"timm_model_name": "resnet50"},
            r"its image tower is timm's 'resnet50' \(pool 'avg', projection 'linear'\), which is",
        ),
        ("vision_cfg", {"head_width": 0}, "vision_cfg head_width is 0: give a positive number"),
        ("vision_cfg", {"head_width": 0, "layers": [1, 1, 1, 1]}, "vision_cfg head_width is 0"),
        ("vision_cfg", {"mlp_ratio": 1e308}, r"vision_cfg has the mlp_ratio 1e\+308 for a width"),
        ("text_cfg", {"width": 10**400}, "text_cfg has the mlp_ratio 4.0 for a width of 1000"),
        ("text_cfg", {"tokenizer_kwargs": {"clean": "shout"}}, "tokenizer_kwargs"),
        ("text_cfg", {"tokenizer_kwargs": {"language": "de"}}, "tokenizer_kwargs"),
    ],
)
def test_what_a_spec_cannot_say_is_named(part: str, changes: dict[str, Any], said: str) -> None:
    config: dict[str, Any] = {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}
    config[part] = changes
    with pytest.raises(SpecError, match=said):
        described(config)


def own(part: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Return a config that is silent but for some keys of one tower."""
    config: dict[str, Any] = {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}
    config[part] = changes
    return config


@pytest.mark.parametrize("key", ["image_size", "patch_size"])
def test_an_edge_said_twice_is_the_edge(key: str) -> None:
    once, twice = (own("vision_cfg", {key: said}) for said in (32, [32, 32]))
    assert described(once) == described(twice)
    timm = TIMM | {"image_size": [256, 256]}
    assert described(own("vision_cfg", timm) | WIDE) == described(own("vision_cfg", TIMM) | WIDE)


@pytest.mark.parametrize("key", ["image_size", "patch_size"])
def test_a_rectangle_is_refused(key: str) -> None:
    with pytest.raises(SpecError) as caught:
        described(own("vision_cfg", {key: [32, 16]}))
    assert str(caught.value) == f"vision_cfg.{key} is 32 × 16, and only squares are read here"


@pytest.mark.parametrize("part", ["vision_cfg", "text_cfg"])
def test_the_exact_gelu_may_be_said_in_full(part: str) -> None:
    said = described(own(part, {"act_kwargs": {"approximate": "none"}}))
    assert said == described(own(part, {}))
    other = described(own(part, {"act_kwargs": {"approximate": "tanh"}}))
    assert differences(other, said) != ()


def test_a_quick_gelu_takes_no_arguments() -> None:
    config = own("text_cfg", {"act_kwargs": {"approximate": "none"}}) | {"quick_gelu": True}
    with pytest.raises(SpecError, match=r"act_kwargs \{'approximate': 'none'\} are not read here"):
        described(config)


TIMM = {
    "image_size": 256,
    "timm_model_name": "vit_base_patch32_siglip_256",
    "timm_pool": "map",
    "timm_proj": "none",
}
WIDE = {"embed_dim": 768}


def test_where_timm_s_weights_came_from_changes_no_tower() -> None:
    tagged = TIMM | {"timm_model_name": "vit_base_patch32_siglip_256.v2_webli"}
    plain, found = (described(own("vision_cfg", one) | WIDE) for one in (TIMM, tagged))
    assert found == plain
    other = TIMM | {"timm_model_name": "vit_base.vit_base_patch32_siglip_256"}
    with pytest.raises(SpecError, match=r"timm's 'vit_base\.vit_base_patch32_siglip_256' \(pool"):
        described(own("vision_cfg", other) | WIDE)


@pytest.mark.parametrize("eos", [{}, {"eos_id": 2}, {"eos_id": 49406}])
def test_an_end_that_no_row_has_is_not_pooled_at(eos: dict[str, int]) -> None:
    """OpenCLIP would find it nowhere, and take the first token's vector."""
    text = {"pool_type": "eos"} | eos
    with pytest.raises(SpecError) as caught:
        described({"embed_dim": 8, "vision_cfg": {}, "text_cfg": text})
    assert str(caught.value) == (
        f"text_cfg.eos_id is {eos.get('eos_id', 2)} and the tokenizer ends a text with 49407: "
        "correct whichever is wrong"
    )


def test_control_the_tokenizer_s_own_end_is_pooled_at() -> None:
    text = {"pool_type": "eos", "eos_id": 49407}
    spec = described({"embed_dim": 8, "vision_cfg": {}, "text_cfg": text})
    assert spec.text.pool == "end_token"


def test_a_key_that_is_not_known_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `rotary`"):
        described({"embed_dim": 8, "vision_cfg": {"rotary": True}, "text_cfg": {}})


def test_a_part_that_is_not_read_is_named_before_the_keys_that_go_with_it() -> None:
    text = {"hf_model_name": "xlm-roberta-base", "proj": "mlp", "pooler_type": "mean_pooler"}
    with pytest.raises(SpecError) as caught:
        described({"embed_dim": 8, "vision_cfg": {}, "text_cfg": text})
    assert str(caught.value) == (
        "its text tower is transformers' xlm-roberta-base, which is not read here"
    )


@pytest.mark.parametrize("config", [{}, {"model_cfg": 3}, {"model_cfg": {"text_cfg": [1]}}])
def test_control_a_config_of_other_types_is_for_its_struct_to_refuse(
    config: dict[str, Any],
) -> None:
    refuse_unreadable(config)


def test_a_tokenizer_without_a_pad_is_asked_for_it() -> None:
    config = {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {"hf_tokenizer_name": "x"}}
    with pytest.raises(SpecError, match="name no pad_token: add it to tokenizer_config"):
        described(config, replace(SIGLIP_TOKENIZER, pad_id=None))


def test_no_preprocessing_is_the_silent_one() -> None:
    config = {"model_cfg": {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}}
    said = [msgspec.convert(config | more, OpenClip) for more in ({}, {"preprocess_cfg": None})]
    assert openclip_spec(said[0], None) == openclip_spec(said[1], None)


def test_a_size_that_the_tower_does_not_take_is_refused() -> None:
    config = {"model_cfg": {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}}}
    for size in (224, [224, 224], None):
        openclip_spec(msgspec.convert(config | {"preprocess_cfg": {"size": size}}, OpenClip), None)
    with pytest.raises(SpecError, match="size is 256 and the tower takes 224 px"):
        openclip_spec(msgspec.convert(config | {"preprocess_cfg": {"size": 256}}, OpenClip), None)


CLIP_TEXT = replace(TEXT, vocab_size=49408)
MEAN = replace(VIT, pool="mean", pre_norm=False)


def clip_spec(image: ViT | ResNet = VIT, **text: Any) -> Spec:
    words = replace(CLIP_WORDS, context_length=12)
    return tiny_spec(image, replace(CLIP_TEXT, **text), words=words)


SETTINGS = {
    "CLIP": clip_spec(),
    "ResNet": clip_spec(replace(RESNET, heads=32)),
    "mean": clip_spec(MEAN, pool="last"),
    "end": clip_spec(pool="end_token", norm_eps=1e-6),
    **{name: spec for name, spec in ARCHITECTURES.items() if spec.words.tokenizer == "clip"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_give_the_spec_again(name: str) -> None:
    spec = SETTINGS[name]
    again = openclip_spec(msgspec.convert(openclip_settings(spec), OpenClip), None)
    assert differences(spec, again) == ()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (clip_spec(pool="mean"), "no room for the text pool 'mean'"),
        (clip_spec(replace(VIT, pool="attention")), "pool 'attention' has to be one of timm's"),
    ],
)
def test_a_pool_without_a_name_is_refused(spec: Spec, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        openclip_settings(spec)


def test_control_a_hybrid_does_not_come_back() -> None:
    spec = clip_spec(replace(HYBRID, class_token=True, position="learned", pool="class_token"))
    again = openclip_spec(msgspec.convert(openclip_settings(spec), OpenClip), None)
    assert any(one.startswith("image.stem") for one in differences(spec, again))
