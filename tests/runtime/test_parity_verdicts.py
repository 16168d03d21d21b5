import msgspec
import pytest

from sightline.errors import CertificateError
from sightline.runtime.parity_figures import Change, Flips, ZeroShot
from sightline.runtime.parity_limits import LIMITS, Limits, stricter
from sightline.runtime.parity_verdicts import verdicts
from tiny_certificates import FLIPS, UNCHANGED, figures

INT8, WEIGHTS = LIMITS["int8"], LIMITS["int8-weights"]


def failures(limits: Limits = INT8, **changes: object) -> list[str]:
    """Return what fails of figures that are changed."""
    return [one.failure for one in verdicts(figures(**changes), limits) if one.failure]


def accuracy(points: float, low: float, high: float, queries: int = 1000) -> ZeroShot:
    """Return such a change of accuracy."""
    change = Change(queries=queries, before=40.0, points=points, low=low, high=high)
    return ZeroShot(agreement=1.0, accuracy=change)


def test_what_is_the_same_fails_nothing() -> None:
    assert {limit: failures(LIMITS[limit]) for limit in LIMITS} == {limit: [] for limit in LIMITS}


def test_a_loss_that_is_no_chance_fails() -> None:
    assert failures(zero_shot=accuracy(-1.6, -2.9, -0.3)) == [
        "accuracy lost 1.60 points of 40.0 where at most 1.5 are allowed, and that is no chance"
    ]
    assert failures(zero_shot=accuracy(-1.4, -2.7, -0.1)) == []


def test_a_small_loss_that_may_be_chance_passes() -> None:
    assert failures(WEIGHTS, zero_shot=accuracy(-0.3, -0.9, 0.3)) == []
    assert failures(WEIGHTS, zero_shot=accuracy(-0.3, -0.5, -0.1)) == [
        "accuracy lost 0.30 points of 40.0 where at most 0.1 are allowed, and that is no chance"
    ]


def test_too_few_queries_show_nothing_and_it_says_how_many_would() -> None:
    assert failures(zero_shot=accuracy(-1.0, -5.0, 3.0, queries=200)) == [
        "accuracy may have lost 5.00 points, and 200 queries cannot exclude more than 3: about 800 "
        "would"
    ]
    assert failures(zero_shot=accuracy(-3.5, -8.0, 1.0, queries=200)) == [
        "accuracy may have lost 8.00 points, and 200 queries cannot exclude more than 3"
    ]


def test_a_gain_is_no_fault() -> None:
    assert failures(zero_shot=accuracy(8.0, 5.0, 11.0)) == []


def test_other_answers_fail_though_as_many_are_right() -> None:
    assert failures(zero_shot=ZeroShot(agreement=0.5, accuracy=UNCHANGED)) == [
        "same class is 0.5 where at least 0.94 is needed"
    ]
    flips = Flips(queries=10, candidates=20, first_changed=0.4, first_ten_kept=0.3)
    assert failures(text_to_image=flips) == [
        "pictures found for a text: first changed is 0.4 where at most 0.15 is allowed",
        "pictures found for a text: first ten kept is 0.3 where at least 0.9 is needed",
    ]
    few = msgspec.structs.replace(FLIPS, first_ten_kept=None)
    assert failures(text_to_image=few) == []


def test_without_right_answers_nothing_passes() -> None:
    assert failures(zero_shot=None, retrieval=None) == [
        "nothing says which answers are right: measure on pictures with labels or captions"
    ]
    assert failures(zero_shot=None) == []


def test_each_figure_stands_beside_its_limit() -> None:
    shown = {one.what: (one.figure, one.limit) for one in verdicts(figures(), INT8)}
    assert shown["pictures: cosine, the lowest"] == ("1", "≥ 0.96")
    assert shown["texts: moved by another batch"] == ("0", "≤ 0.01")
    assert shown["accuracy"] == ("40.0 +0.00 (-0.26 to +0.26)", "≥ −1.5, not below −3")
    assert "texts found for a picture: recall@5" in shown
    assert "texts found for a picture: recall@10" not in shown
    limits = verdicts(figures(), LIMITS["float32"])
    assert limits[2].limit == "≥ 1 − 1e-09"


def test_a_change_outside_its_own_interval_is_none() -> None:
    with pytest.raises(CertificateError) as caught:
        Change(queries=1, before=0.0, points=2.0, low=-1.0, high=1.0)
    assert str(caught.value) == (
        "a change of 2 points lies outside its own interval, -1 to 1: certify again"
    )


def test_of_two_limits_the_stricter_is_taken_whichever_comes_first() -> None:
    assert stricter(INT8, LIMITS["float32"]) == stricter(LIMITS["float32"], INT8)
    assert stricter(INT8, LIMITS["float32"]) == LIMITS["float32"]
    assert stricter(INT8, INT8) == INT8
    more = msgspec.structs.replace(INT8, images=501, texts=101)
    assert stricter(INT8, more) == stricter(more, INT8) == more


def test_no_limit_is_laxer_than_that_of_eight_bits_throughout() -> None:
    apart = {"batch": 0.015}  # bfloat16 sums in another order in a batch of another size
    for name, limits in LIMITS.items():
        held = stricter(limits, INT8)
        if name == "bfloat16":
            held = msgspec.structs.replace(held, **apart)
        assert held == limits, name
