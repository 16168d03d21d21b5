"""OpenAI's archives by their shapes: the nine published architectures come out."""

import pytest

from sightline.checkpoints.comparing import differences
from sightline.checkpoints.names import NAME_TABLES
from sightline.checkpoints.names.table import spell
from sightline.checkpoints.openai import openai_spec, openai_table
from sightline.errors import SpecError
from sightline.spec.architectures import ARCHITECTURES
from sightline.spec.inventory import Shape, shapes
from sightline.spec.towers import Spec

RESNETS = ["RN50", "RN101", "RN50x4", "RN50x16", "RN50x64"]
VITS = ["ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336"]


def archive(spec: Spec) -> dict[str, Shape]:
    """Return names and shapes as OpenAI's archive of a model has them."""
    ours = shapes(spec)
    written, unknown = spell(list(ours), NAME_TABLES[openai_table(spec)])
    assert unknown == []
    found = {}
    for one in written:
        shape = ours[one.ours[0]]
        joined = (len(one.ours) * shape[0], *shape[1:]) if len(one.ours) > 1 else shape
        found[one.theirs] = joined[::-1] if one.row.turned else joined
    return found


@pytest.mark.parametrize("name", [*RESNETS, *VITS])
def test_the_shapes_of_an_archive_say_what_it_is(name: str) -> None:
    spec = ARCHITECTURES[f"{name}-quickgelu"]
    assert differences(spec, openai_spec(archive(spec))) == ()


def test_control_the_exact_gelu_is_not_openai_s() -> None:
    spec = ARCHITECTURES["ViT-B-32"]
    assert differences(spec, openai_spec(archive(spec))) == (
        "image.activation: 'quick_gelu', not 'gelu'",
        "text.activation: 'quick_gelu', not 'gelu'",
    )


@pytest.mark.parametrize("lost", ["visual.conv1.weight", "text_projection", "ln_final.weight"])
def test_shapes_of_something_else_are_refused(lost: str) -> None:
    found = archive(ARCHITECTURES["ViT-B-32-quickgelu"])
    del found[lost]
    if lost == "ln_final.weight":  # which no number is read from: `fit` will miss it
        openai_spec(found)
        return
    with pytest.raises(SpecError) as caught:
        openai_spec(found)
    assert str(caught.value).startswith(f"it has no {lost}, which has ")


@pytest.mark.parametrize(
    ("model", "name", "shape", "said"),
    [
        (
            "ViT-B-32",
            "visual.conv1.weight",
            (768, 3),
            "of shape [768, 3] it has the visual.conv1.weight, which has 4 axes in OpenAI's "
            "archives",
        ),
        ("ViT-B-32", "token_embedding.weight", (9,), "of shape [9] it has the token_embedding"),
        ("ViT-B-32", "text_projection", (), "of shape [] it has the text_projection"),
        (
            "ViT-B-32",
            "visual.positional_embedding",
            (51, 768),
            "its visual.positional_embedding has 51 rows, which is no square and one more",
        ),
        ("ViT-B-32", "visual.positional_embedding", (0, 768), "its visual.positional_embedding"),
        ("RN50", "visual.attnpool.positional_embedding", (0, 1), "its visual.attnpool.positional"),
        ("RN50", "visual.layer1.0.conv1.weight", (), "of shape [] it has the visual.layer1"),
        ("RN50", "visual.layer1.0.conv1.weight", (0, 1, 1, 1), "image width is 0"),
    ],
)
def test_a_shape_of_something_else_is_named(model: str, name: str, shape: Shape, said: str) -> None:
    found = archive(ARCHITECTURES[f"{model}-quickgelu"])
    with pytest.raises(SpecError) as caught:
        openai_spec(found | {name: shape})
    assert str(caught.value).startswith(said)
