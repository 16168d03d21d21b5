import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sightline.train.augment import augment
from sightline.train.recipe import Augment
from tiny_specs import tiny_spec

PIXELS = tiny_spec().pixels  # mean and deviation 0.5: pixels come out within -1 to 1
NONE = Augment(crop=(1.0, 1.0), aspect=0.0, flip=False, brightness=0.0, contrast=0.0, grey=0.0)


def pictures(count: int, edge: int, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, edge, edge, 3), dtype=torch.uint8, generator=draw)


def seen(edge: int, recipe: Augment, seed: int = 0, stored: int = 12) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return augment(pictures(3, stored), edge, recipe, PIXELS, draw)


def test_without_strength_a_picture_is_only_normalised() -> None:
    plain = pictures(3, 12).permute(0, 3, 1, 2).float() / 255
    assert torch.allclose(seen(12, NONE), (plain - 0.5) / 0.5, atol=1e-5)


@pytest.mark.parametrize(
    ("field", "strength"),
    [
        ("crop", (0.5, 0.9)),
        ("aspect", 0.2),
        ("flip", True),
        ("brightness", 0.3),
        ("contrast", 0.3),
        ("grey", 1.0),
        ("flat", 1.0),
        ("edges", 1.0),
        ("erase", 1.0),
    ],
)
def test_each_field_changes_what_is_seen(field: str, strength: object) -> None:
    recipe = replace(NONE, **{field: strength})
    assert not torch.allclose(seen(12, recipe), seen(12, NONE), atol=1e-2)


@given(
    edge=st.integers(4, 20),
    stored=st.integers(4, 20),
    low=st.floats(0.3, 1.0),
    erase=st.sampled_from([0.0, 1.0]),
)
@settings(max_examples=30, deadline=None)
def test_any_sizes_give_finite_pixels_of_the_asked_size(
    edge: int, stored: int, low: float, erase: float
) -> None:
    recipe = Augment(crop=(low, 1.0), brightness=0.0, contrast=0.0, erase=erase)
    views = seen(edge, recipe, stored=stored)
    assert views.shape == (3, 3, edge, edge)
    assert views.abs().max() <= 1 + 1e-4  # interpolation makes nothing brighter than white


def test_the_same_seed_gives_the_same_view_and_another_another() -> None:
    assert torch.equal(seen(8, Augment(), seed=1), seen(8, Augment(), seed=1))
    assert not torch.equal(seen(8, Augment(), seed=1), seen(8, Augment(), seed=2))


def test_nothing_is_drawn_from_the_generator_that_others_use() -> None:
    before = torch.random.get_rng_state()
    seen(8, Augment(erase=0.5))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_grey_pictures_have_three_equal_channels() -> None:
    views = seen(12, Augment(crop=(1, 1), grey=1.0))
    assert torch.allclose(views[:, 0], views[:, 1], atol=1e-6)
    assert torch.allclose(views[:, 0], views[:, 2], atol=1e-6)


def test_flat_pictures_have_a_few_levels_of_each_colour() -> None:
    views = seen(12, replace(NONE, flat=1.0))
    assert all(len(torch.unique(channel)) <= 6 for view in views for channel in view)
    assert len(torch.unique(seen(12, NONE)[0, 0])) > 50  # control


def test_edges_are_dark_on_white_and_only_where_the_picture_changes() -> None:
    half = torch.zeros(1, 16, 16, 3, dtype=torch.uint8)
    half[:, :, 8:] = 200
    draw = torch.Generator().manual_seed(0)
    (view,) = augment(half, 16, replace(NONE, edges=1.0), PIXELS, draw)
    assert (view[:, :, :5] == 1).all()
    assert (view[:, :, 11:] == 1).all()
    assert (view[:, :, 7:9] < 0).all()
    flat = torch.full((1, 16, 16, 3), 90, dtype=torch.uint8)
    assert (augment(flat, 16, replace(NONE, edges=1.0), PIXELS, draw) == 1).all()  # control


def test_an_erased_rectangle_is_the_mean() -> None:
    plain, erased = seen(12, NONE), seen(12, Augment(crop=(1, 1), aspect=0, erase=1.0))
    assert ((erased == 0).float().mean(dim=(1, 2, 3)) > 0.02).all()
    assert (erased == 0).float().mean() < 0.5 < (plain != 0).float().mean()
