"""A spec through JSON and back; and every way in which a document can be refused."""

import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import SpecError
from sightline.spec import Sigmoid, Softmax, Spec
from sightline.spec.architectures import ARCHITECTURES
from sightline.spec.document import spec_from_json, spec_to_json
from tiny_specs import HYBRID, RESNET, SIGLIP_TEXT, SIGLIP_VIT, TEXT, VIT, WORDS, tiny_spec

replace = msgspec.structs.replace
ACTIVATIONS = st.sampled_from(["quick_gelu", "gelu", "gelu_tanh"])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_survives_json(name: str) -> None:
    spec = ARCHITECTURES[name]
    assert spec_from_json(json.loads(json.dumps(spec_to_json(spec)))) == spec


@given(
    image=st.sampled_from([VIT, SIGLIP_VIT, HYBRID, RESNET]),
    text=st.sampled_from([TEXT, SIGLIP_TEXT]),
    activation=ACTIVATIONS,
    heads=st.integers(1, 2**20),
    eps=st.floats(1e-12, 1e-2),
    sigmoid=st.booleans(),
    scale=st.floats(-10, 10),
    end_id=st.sampled_from([None, 0, 50, 99]),
    template=st.text().filter(lambda text: text.count("{}") == 0),
)
def test_random_specs_survive_json(
    image: Any,
    text: Any,
    activation: Any,
    heads: int,
    eps: float,
    sigmoid: bool,
    scale: float,
    end_id: int | None,
    template: str,
) -> None:
    head = (
        Sigmoid(logit_scale=scale, logit_bias=-scale)
        if sigmoid
        else Softmax(logit_scale=scale, max_scale=100.0)
    )
    words = replace(WORDS, end_id=end_id, template="{}" if "{" in template else template + "{}")
    text = replace(text, activation=activation, norm_eps=eps, heads=heads, width=8 * heads)
    pool = text.pool if end_id == 99 else "last"  # the end must be the highest id
    text = replace(text, projection="matrix", pool=pool)
    spec = tiny_spec(image, text, head=head, words=words, embed_dim=32)
    assert spec_from_json(json.loads(json.dumps(spec_to_json(spec)))) == spec


def test_a_document_says_its_version_and_kinds() -> None:
    document: Any = spec_to_json(tiny_spec(HYBRID))
    assert document["version"] == 1
    assert document["image"]["kind"] == "vit"
    assert document["image"]["stem"] == {
        "kind": "convolutions",
        "first": 8,
        "channels": [16, 24],
        "blocks": [1, 2],
    }


def changed(*path: str, to: object) -> dict[str, Any]:
    """Return a good document with one value changed, or one key added."""
    document = copy.deepcopy(spec_to_json(tiny_spec()))
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return document


def without(*path: str) -> dict[str, Any]:
    document = copy.deepcopy(spec_to_json(tiny_spec()))
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return document


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "an unknown key": (
        lambda: changed("image", "activaton", to="gelu"),
        "unknown key 'activaton' in image: did you mean 'activation'?",
    ),
    "an unknown key deep down": (
        lambda: changed("image", "stem", "path", to=8),
        "unknown key 'path' in image.stem: did you mean 'patch'?",
    ),
    "an unknown key at the top": (
        lambda: changed("pixel", to={}),
        "unknown key 'pixel' in the spec: did you mean 'pixels'?",
    ),
    "a missing key": (
        lambda: without("text", "norm_eps"),
        "missing key 'norm_eps' in text: add it",
    ),
    "a missing tower": (lambda: without("image"), "missing key 'image' in the spec: add it"),
    "a missing kind": (
        lambda: without("head", "kind"),
        "missing key 'kind' in head: give one of 'sigmoid', 'softmax'",
    ),
    "an unknown kind": (
        lambda: changed("image", "kind", to="convnext"),
        "image.kind is 'convnext': give one of 'resnet', 'vit'",
    ),
    "a kind that is no text": (
        lambda: changed("image", "stem", "kind", to=["patch"]),
        "image.stem.kind is ['patch']: give one of 'convolutions', 'patch'",
    ),
    "a value outside the list": (
        lambda: changed("text", "pool", to="eot"),
        "text.pool is 'eot': give one of 'end_token', 'first', 'highest_id', 'last', 'mean'",
    ),
    "a text for a number": (
        lambda: changed("image", "width", to="32"),
        "image.width is of the wrong type: expected int, got str",
    ),
    "a yes for a number": (
        lambda: changed("embed_dim", to=True),
        "embed_dim is of the wrong type: expected int, got bool",
    ),
    "a list for a tower": (
        lambda: changed("image", to=[]),
        "image is of the wrong type: expected object, got array",
    ),
    "an object for a number": (
        lambda: changed("words", "start_id", to={}),
        "words.start_id is of the wrong type: expected int | null, got object",
    ),
    "a short list": (
        lambda: changed("pixels", "mean", to=[0.5, 0.5]),
        "pixels.mean is of the wrong type: expected array of length 3, got 2",
    ),
    "not a number": (
        lambda: changed("head", "logit_scale", to=float("nan")),
        "head.logit_scale is nan: give a finite number",
    ),
    "an infinite deviation": (
        lambda: changed("pixels", "std", to=[1.0, float("inf"), 1.0]),
        "pixels.std is inf: give a finite number",
    ),
    "a spec that does not hold together": (
        lambda: changed("image", "heads", to=5),
        "image width 32 is not a multiple of heads 5: change one",
    ),
    "two sizes": (
        lambda: changed("pixels", "size_px", to=224),
        "pixels are 224 px but the image tower takes 32 px: make them equal",
    ),
    "another version": (
        lambda: changed("version", to=2),
        "the spec is of version 2 but this program reads version 1: use the sightline that wrote "
        "it, or a newer one",
    ),
    "a version that only equals one": (
        lambda: changed("version", to=True),
        "the spec is of version True but this program reads version 1: use the sightline that "
        "wrote it, or a newer one",
    ),
    "no version": (
        lambda: without("version"),
        "missing key 'version' in the spec: this program reads version 1",
    ),
    "no object": (lambda: [1], "a spec is a JSON object, but this is a list"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_wrong_document_is_refused_in_one_sentence(why: str) -> None:
    make, sentence = REFUSED[why]
    with pytest.raises(SpecError) as caught:
        spec_from_json(make())
    assert str(caught.value) == sentence


def leaves(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [path]
    return [path, *(leaf for key in value for leaf in leaves(value[key], (*path, key)))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=4,
)


@given(where=st.sampled_from(leaves(spec_to_json(tiny_spec()))[1:]), value=JSON)
def test_any_other_value_is_read_or_refused_and_never_crashes(
    where: tuple[str, ...], value: object
) -> None:
    said: object
    try:
        said = spec_from_json(changed(*where, to=value))
    except SpecError as error:
        said = str(error)
    assert isinstance(said, Spec) or (isinstance(said, str) and said)
