"""Which differences of two specs make another model, and which do not."""

from typing import Any

import msgspec
import pytest

from sightline.checkpoints.comparing import differences, lost
from sightline.spec.towers import Spec
from tiny_folder import changed
from tiny_specs import SIGLIP_TEXT, SIGLIP_VIT, TEXT, VIT, tiny_spec

SPEC = tiny_spec(VIT, msgspec.structs.replace(TEXT, vocab_size=100))  # its end id, 99, is highest


@pytest.mark.parametrize(
    "changes",
    [
        {"image": {"position_resized": "antialias"}},
        {"image": {"final_norm": "before_pool"}},  # of the class token alone
        {"text": {"pool": "end_token"}},  # no id is higher than the end id
        {"words": {"pad_id": 5}},  # behind a causal end nothing is seen
        {"head": {"logit_scale": 1.0}},
    ],
)
def test_what_no_vector_depends_on_is_no_difference(changes: dict[str, Any]) -> None:
    assert differences(SPEC, changed(SPEC, **changes)) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": {"activation": "gelu"}}, "text.activation: 'gelu', not 'quick_gelu'"),
        ({"image": {"norm_eps": 1e-6}}, "image.norm_eps: 1e-06, not 1e-05"),
        (
            {"image": {"stem": msgspec.structs.replace(VIT.stem, bias=True)}},
            "image.stem.bias: True",
        ),
        ({"text": {"pool": "last"}}, "text.pool: 'last', not 'end_token'"),
        ({"words": {"end_id": 97}, "text": {"pool": "end_token"}}, "words.end_id: 97, not 99"),
    ],
)
def test_what_a_vector_depends_on_is_named(changes: dict[str, Any], said: str) -> None:
    found = differences(SPEC, changed(SPEC, **changes))
    assert any(one.startswith(said) for one in found)
    assert set(lost(SPEC, changed(SPEC, **changes))) == set(found)


def cleaned(how: str) -> Spec:
    return changed(SPEC, words={"clean": how})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SPEC, changed(SPEC, pixels={"crop_rounding": "floor"})),
        (SPEC, changed(SPEC, words={"template": "{}, seen"})),
        (cleaned("openai"), cleaned("nfc_lower")),  # transformers has no ftfy
        (cleaned("openai"), cleaned("lower")),
        (cleaned("canonical_space"), cleaned("canonical_delete")),  # only "_" tells them apart
        (cleaned("whitespace"), cleaned("none")),
    ],
)
def test_a_library_s_own_rule_may_be_lost_and_is_told(one: Spec, other: Spec) -> None:
    assert len(differences(one, other)) == 1
    assert lost(one, other) == lost(other, one) == ()


@pytest.mark.parametrize(
    ("now", "then"),
    [("openai", "canonical_space"), ("lower", "canonical_delete"), ("openai", "whitespace")],
)
def test_a_cleaning_that_common_texts_show_may_not_be_lost(now: str, then: str) -> None:
    assert lost(cleaned(then), cleaned(now)) == (f"words.clean: {now!r}, not {then!r}",)


def test_pads_that_a_tower_sees_are_a_difference() -> None:
    spec: Spec = tiny_spec(SIGLIP_VIT, SIGLIP_TEXT, embed_dim=32)
    assert differences(spec, changed(spec, words={"pad_id": 5})) == ("words.pad_id: 5, not 0",)
