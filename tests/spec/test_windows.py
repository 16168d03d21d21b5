from itertools import accumulate, combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.spec.windows import part

Spans = list[tuple[int, int]]


def may_part(sizes: list[int], room: int) -> set[int]:
    """Say where a window may end: nowhere inside a word that a row holds."""
    inside = set()
    for begin, size in zip(accumulate(sizes, initial=0), sizes, strict=False):
        if size <= room:
            inside |= set(range(begin + 1, begin + size))
    return set(range(sum(sizes) + 1)) - inside


def faults(spans: Spans, sizes: list[int], room: int) -> list[str]:
    """Say what is wrong with a way to part a text."""
    ids = [place for begin, end in spans for place in range(begin, end)]
    found = []
    if ids != list(range(sum(sizes))):
        found.append("an id is lost, comes twice or is out of order")
    if spans[0][0] != 0:
        found.append("the first window does not start with the first id")
    if any(end - begin > room for begin, end in spans):
        found.append("a window is longer than a row")
    if not {end for _, end in spans} <= may_part(sizes, room):
        found.append("a word that fits a row is split")
    return found


def best(sizes: list[int], room: int) -> tuple[int, int]:
    """Try every way: the fewest windows, and the longest of them where it is shortest."""
    total = sum(sizes)
    inner = sorted(may_part(sizes, room) - {0, total})
    for fewer in range(len(inner) + 1):
        ways = (pairwise((0, *chosen, total)) for chosen in combinations(inner, fewer))
        longest = [max(end - begin for begin, end in way) for way in ways]
        if min(longest) <= room:
            return fewer + 1, min(longest)
    raise AssertionError("no way")


@given(sizes=st.lists(st.integers(0, 4), max_size=6), room=st.integers(1, 5))
def test_every_id_comes_once_in_the_fewest_windows_of_like_length(
    sizes: list[int], room: int
) -> None:
    spans = part(sizes, room)
    assert faults(spans, sizes, room) == []
    assert (len(spans), max(end - begin for begin, end in spans)) == best(sizes, room)


@pytest.mark.parametrize(
    ("spans", "fault"),
    [
        ([(0, 2), (4, 6)], "an id is lost, comes twice or is out of order"),
        ([(0, 4), (2, 6)], "an id is lost, comes twice or is out of order"),
        ([(2, 4), (0, 2), (4, 6)], "the first window does not start with the first id"),
        ([(0, 6)], "a window is longer than a row"),
        ([(0, 3), (3, 6)], "a word that fits a row is split"),
    ],
)
def test_control_a_wrong_way_is_caught(spans: Spans, fault: str) -> None:
    assert faults([(0, 4), (4, 6)], [2, 2, 2], 4) == []
    assert fault in faults(spans, [2, 2, 2], 4)


def test_control_filling_each_window_first_is_not_the_best_way() -> None:
    filled = [(0, 4), (4, 8), (8, 9)]  # the last word would stand alone
    assert faults(filled, [1] * 9, 4) == []
    assert best([1] * 9, 4) == (3, 3)
    assert part([1] * 9, 4) == [(0, 3), (3, 6), (6, 9)]


@pytest.mark.parametrize("sizes", [[], [0], [0, 0]])
def test_a_text_without_ids_is_one_empty_window(sizes: list[int]) -> None:
    assert part(sizes, 3) == [(0, 0)]


def test_a_word_that_no_row_holds_is_parted_and_its_neighbours_are_not() -> None:
    assert part([2, 9, 2], 5) == [(0, 5), (5, 10), (10, 13)]
    assert part([2, 7, 2], 4) == [(0, 4), (4, 8), (8, 11)]


def test_a_million_ids_are_parted() -> None:
    spans = part([1_000_000], 30)
    assert (len(spans), spans[-1][1]) == (33_334, 1_000_000)
