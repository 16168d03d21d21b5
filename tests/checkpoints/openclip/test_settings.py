"""A spec as OpenCLIP's config: numbers that its arithmetic gives again."""

from hypothesis import given
from hypothesis import strategies as st

from sightline.checkpoints.openclip.settings import _ratio


@given(st.integers(1, 256).map(lambda n: 8 * n), st.integers(1, 2048).map(lambda n: 8 * n))
def test_a_ratio_gives_the_width_again(width: int, mlp_width: int) -> None:
    assert int(width * _ratio(mlp_width, width)) == mlp_width


def test_control_the_plain_quotient_does_not_always() -> None:
    assert int(176 * (240 / 176)) == 239
