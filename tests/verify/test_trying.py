import pytest

from sightline.spec import PixelRecipe, TextTransformer, architecture
from sightline.spec.document import spec_to_json
from sightline.verify.trying import changes, choices, remedy, unlike, variants

SPEC = architecture("ViT-B-32")


def test_choices_are_those_of_the_struct_itself() -> None:
    assert choices(PixelRecipe, "crop_rounding") == {"crop_rounding": ("half_even", "floor")}
    assert choices(TextTransformer, "causal") == {"causal": (False, True)}


def test_nothing_changed_comes_first_then_one_field_then_two() -> None:
    found = list(
        variants(SPEC.pixels, {"filter": ("box", "bicubic"), "resize": ("squash",)}, most=2)
    )
    assert [(one.filter, one.resize) for one in found] == [
        ("bicubic", "shortest"),
        ("box", "shortest"),
        ("bicubic", "squash"),
        ("box", "squash"),
    ]


def test_no_more_fields_are_changed_than_asked_for() -> None:
    both = {"filter": ("box",), "resize": ("squash",)}
    assert len(list(variants(SPEC.pixels, both, most=1))) == 3


def test_what_does_not_hold_together_is_left_out() -> None:
    found = list(variants(SPEC.text, {"heads": (5, 4)}, most=1))
    assert [tower.heads for tower in found] == [8, 4]


def test_documents_are_compared_to_the_last_field() -> None:
    now, then = spec_to_json(SPEC), spec_to_json(architecture("ViT-B-32-quickgelu"))
    assert list(unlike(now, then)) == [
        ("image.activation", "gelu", "quick_gelu"),
        ("text.activation", "gelu", "quick_gelu"),
    ]
    assert list(unlike(now, now)) == []


def test_a_field_that_only_one_has_differs() -> None:
    assert list(unlike({"a": {"b": 1}}, {"a": {}})) == [("a.b", 1, None)]


def test_of_another_kind_only_the_kind_is_named() -> None:
    now, then = spec_to_json(SPEC), spec_to_json(architecture("RN50"))
    assert ("image.kind", "vit", "resnet") in list(unlike(now, then))
    assert not [name for name, _, _ in unlike(now, then) if name == "image.activation"]


@pytest.mark.parametrize(("count", "said"), [(1, "text.pool 'last' instead of 'highest_id'")])
def test_a_remedy_says_what_to_change_back(count: int, said: str) -> None:
    [changed] = list(variants(SPEC.text, {"pool": ("last",)}, most=1))[1:]
    found = changes(SPEC.text, changed, "text")
    assert (len(found), remedy(found)) == (count, said)
    assert remedy(found * 2) == f"{said} and {said}"
