import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import TextError
from sightline.scoring import Class, as_classes, as_templates
from sightline.scoring.classes import Labels, fill, prompts_by_name


def test_names_classes_and_prompts_are_all_labels() -> None:
    assert as_classes(["cat"]) == (Class("cat"),)
    assert as_classes([Class("cat", aliases=("kitten",))])[0].aliases == ("kitten",)
    assert as_classes({"cat": ["a cat asleep"]}) == (Class("cat", prompts=("a cat asleep",)),)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([], "there are no labels: give at least one"),
        ("cat,dog", "labels is one string, 'cat,dog': give a list of labels"),
        (["cat", "cat"], "label 'cat' is given twice: give each label once"),
        ([" "], "class ' ' has an empty name, alias or prompt: fill it"),
        ({"cat": "a cat"}, "label 'cat' needs a list of prompts, got 'a cat': give a list"),
        ({"cat": []}, "label 'cat' needs a list of prompts, got []: give a list"),
    ],
)
def test_labels_that_mean_nothing_are_refused(labels: Labels, sentence: str) -> None:
    with pytest.raises(TextError) as caught:
        as_classes(labels)
    assert str(caught.value) == sentence


def test_aliases_beside_prompts_are_refused() -> None:
    with pytest.raises(TextError) as caught:
        Class("cat", aliases=("kitten",), prompts=("a cat",))
    assert str(caught.value) == (
        "class 'cat' has both aliases and prompts, and prompts replace every name: keep one of them"
    )


def test_each_name_goes_through_each_template() -> None:
    one = Class("cat", aliases=("kitten",))
    assert prompts_by_name(one, ["{}", "a {}."]) == (("cat", "a cat."), ("kitten", "a kitten."))


def test_an_alias_that_repeats_the_name_does_not_count_twice() -> None:
    assert prompts_by_name(Class("cat", aliases=("cat",)), ["{}"]) == (("cat",),)


def test_prompts_replace_name_and_templates() -> None:
    assert prompts_by_name(Class("cat", prompts=("asleep", "{}")), ["a {}"]) == (("asleep", "{}"),)


@given(st.text())
def test_a_name_may_hold_braces(name: str) -> None:
    assert fill("a {}.", name) == "a " + name + "."


def test_templates_are_a_list_or_a_name_or_one_template_or_the_recommended_one() -> None:
    assert as_templates(["a {}"], "the {}") == ("a {}",)
    assert as_templates("a {}", "the {}") == ("a {}",)
    assert as_templates(None, "the {}") == ("the {}",)
    assert as_templates("photo", "the {}") == ("a photo of a {}.",)


@pytest.mark.parametrize(
    ("templates", "sentence"),
    [
        ([], "there are no templates: give at least one, such as '{}'"),
        (["a cat"], "template 'a cat' needs exactly one {}: it is where the name goes"),
        ("{} and {}", "template '{} and {}' needs exactly one {}: it is where the name goes"),
        (
            "imagenet",
            "no templates are called 'imagenet': choose one of plain, photo, imagenet7, "
            "imagenet80, or write a template with {} where the name goes",
        ),
    ],
)
def test_templates_without_a_place_for_the_name_are_refused(
    templates: list[str] | str, sentence: str
) -> None:
    with pytest.raises(TextError) as caught:
        as_templates(templates, "{}")
    assert str(caught.value) == sentence
