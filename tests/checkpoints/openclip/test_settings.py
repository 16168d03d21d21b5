"""A spec as OpenCLIP's config: numbers that its arithmetic gives again."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.checkpoints.comparing import differences, lost
from sightline.checkpoints.openclip import OpenClip, openclip_settings, openclip_spec
from sightline.checkpoints.openclip.settings import _ratio
from sightline.spec.clean import Cleaning
from tiny_canaries import any_layout_spec
from tiny_folder import changed


@given(st.integers(1, 256).map(lambda n: 8 * n), st.integers(1, 2048).map(lambda n: 8 * n))
def test_a_ratio_gives_the_width_again(width: int, mlp_width: int) -> None:
    assert int(width * _ratio(mlp_width, width)) == mlp_width


def test_control_the_plain_quotient_does_not_always() -> None:
    assert int(176 * (240 / 176)) == 239


@pytest.mark.parametrize("clean", get_args(Cleaning))
def test_a_cleaning_is_written_as_the_nearest_that_openclip_has(clean: Cleaning) -> None:
    """SigLIP 2's, which only lowers, was once written as the one that drops punctuation."""
    spec = changed(any_layout_spec(), words={"clean": clean})
    again = openclip_spec(msgspec.convert(openclip_settings(spec), OpenClip), None)
    assert lost(spec, again) == ()
    exact = clean in ("openai", "canonical_space", "whitespace")
    assert bool(differences(spec, again)) is not exact
