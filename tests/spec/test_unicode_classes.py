import re
import unicodedata

import pytest

from reference_tokenizer import reference_without_special_words
from sightline.spec.unicode_classes import LETTERS, NUMBERS, WHITE_SPACE, character_class

EVERY = [chr(point) for point in range(0x110000)]


@pytest.fixture(scope="module")
def published() -> dict[str, set[str]]:
    """Sort every code point by what CLIP's pattern, run by regex, makes of it beside others."""
    pattern = reference_without_special_words().pat
    alone = set(pattern.findall(" ".join(EVERY)))
    letters, others = (
        {piece[1] for piece in pattern.findall(beside + f" {beside}".join(EVERY)) if piece[1:]}
        for beside in "a!"
    )
    dropped = set(EVERY) - alone
    return {"letters": letters, "numbers": alone - letters - others, "dropped": dropped}


def members(ranges: str) -> set[str]:
    return set(re.findall(f"[{character_class(ranges)}]", "".join(EVERY)))


def assigned(points: set[str]) -> set[str]:
    """Leave out what this Python's Unicode does not know: a later regex may know more than ours."""
    return {point for point in points if unicodedata.category(point) != "Cn"}


def test_letters_and_numbers_are_the_reference_s(published: dict[str, set[str]]) -> None:
    assert assigned(members(LETTERS)) == assigned(published["letters"])
    assert assigned(members(NUMBERS)) == assigned(published["numbers"])


def test_the_reference_drops_white_space_and_one_accent(published: dict[str, set[str]]) -> None:
    assert published["dropped"] == members(WHITE_SPACE) | {"\u0345"}


def test_control_the_classes_of_re_are_others(published: dict[str, set[str]]) -> None:
    everything = "".join(EVERY)
    assert assigned(set(re.findall(r"[^\W\d_]", everything))) != assigned(published["letters"])
    assert assigned(set(re.findall(r"\d", everything))) != assigned(published["numbers"])
    assert set(re.findall(r"\s", everything)) != members(WHITE_SPACE)


def test_ranges_are_in_order_and_apart() -> None:
    for ranges in (LETTERS, NUMBERS, WHITE_SPACE):
        edges = [int(edge, 16) for span in ranges.split() for edge in span.split("-")]
        assert edges == sorted(set(edges))
