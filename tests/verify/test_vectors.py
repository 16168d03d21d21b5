import dataclasses
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from sightline.checkpoints import Checkpoint, read, write
from sightline.runtime import open_towers
from sightline.runtime.onnx_towers import OnnxTowers
from sightline.scoring.vectors import unit
from sightline.spec import ResNet, Spec
from sightline.verify import Canaries, make
from sightline.verify.vectors import TOLERANCE, Side, alternatives, check_vectors
from tiny_canaries import letters
from tiny_folder import RECORD
from tiny_specs import RESNET, SIGLIP_TEXT, SIGLIP_VIT, TEXT, VIT, WORDS, tiny_spec
from tiny_towers import tiny_model

OWN = replace(WORDS, tokenizer="file", start_id=1, end_id=2, context_length=16)
SMALL = replace(TEXT, vocab_size=400, pool="end_token")
SPECS = {
    "clip": tiny_spec(VIT, SMALL, words=OWN),
    "siglip": tiny_spec(
        SIGLIP_VIT,
        replace(SIGLIP_TEXT, vocab_size=400, projection="none"),
        words=replace(OWN, start_id=None, pad_id=2),
        embed_dim=32,
    ),
    "resnet": tiny_spec(replace(RESNET, width=16, heads=8), SMALL, words=OWN),
}
Model = tuple[Checkpoint, Canaries]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """Return small models of each kind with their canaries; no test changes them."""
    found = {}
    for name, spec in SPECS.items():
        folder = letters(tmp_path_factory.mktemp("vectors") / name)
        tensors = {key: tensor.numpy() for key, tensor in tiny_model(spec).state_dict().items()}
        model = folder.with_name(f"{name}-model")
        write(
            model,
            spec=spec,
            tensors=tensors,
            record=RECORD,
            tokenizer_file=folder / "tokenizer.json",
        )
        checkpoint = read(model)
        found[name] = (checkpoint, make(checkpoint, OnnxTowers(checkpoint)))
    return found


def changed(checkpoint: Checkpoint, part: str, **changes: Any) -> Checkpoint:
    """Return the same weights under a spec in which fields of one part were changed."""
    made = replace(getattr(checkpoint.spec, part), **changes)
    spec: Spec = replace(checkpoint.spec, **{part: made})
    return dataclasses.replace(checkpoint, spec=spec)


@pytest.mark.parametrize("side", ["image", "text"])
@pytest.mark.parametrize("name", SPECS)
def test_control_the_same_model_agrees(models: dict[str, Model], name: str, side: Side) -> None:
    note = check_vectors(*models[name], side, is_intact=True)
    assert note.verdict == "agrees"
    assert note.sentence.endswith(" vectors are what they were, to the last bit")


SWAPS: list[tuple[str, Side, str, Any]] = [
    ("clip", "image", "activation", "gelu"),
    ("clip", "image", "activation", "gelu_tanh"),
    ("clip", "image", "norm_eps", 1e-6),
    ("clip", "image", "norm_eps", 3e-6),
    ("clip", "image", "pool", "mean"),
    ("clip", "image", "heads", 2),
    ("clip", "text", "activation", "gelu"),
    ("clip", "text", "norm_eps", 1e-6),
    ("clip", "text", "causal", False),
    ("clip", "text", "pool", "mean"),
    ("clip", "text", "pool", "last"),
    ("clip", "text", "pool", "first"),
    ("clip", "text", "heads", 2),
    ("siglip", "image", "activation", "gelu"),
    ("siglip", "image", "norm_eps", 1e-5),
    ("siglip", "image", "final_norm", "after_pool"),
    ("siglip", "text", "activation", "gelu"),
    ("siglip", "text", "norm_eps", 1e-5),
    ("siglip", "text", "causal", True),
    ("siglip", "text", "pool", "mean"),
    ("resnet", "image", "heads", 16),
]


@pytest.mark.parametrize(("name", "side", "field", "value"), SWAPS)
def test_a_swapped_field_of_a_tower_is_named(
    models: dict[str, Model], name: str, side: Side, field: str, value: object
) -> None:
    checkpoint, canaries = models[name]
    swapped = changed(checkpoint, side, **{field: value})
    note = check_vectors(swapped, canaries, side, is_intact=True)
    assert note.fields == (f"{side}.{field}",)
    expected = getattr(getattr(checkpoint.spec, side), field)
    assert f"; with {side}.{field} {expected!r} instead of {value!r} they are" in note.sentence


@pytest.mark.parametrize(("name", "side", "field", "value"), SWAPS)
def test_it_is_named_whatever_the_canaries_say_of_the_spec(
    models: dict[str, Model], name: str, side: Side, field: str, value: object
) -> None:
    """By trying alone: the spec in the file is no longer one."""
    checkpoint, canaries = models[name]
    silent = replace(canaries, said=replace(canaries.said, spec={}))
    swapped = changed(checkpoint, side, **{field: value})
    note = check_vectors(swapped, silent, side, is_intact=True)
    assert note.fields == (f"{side}.{field}",)


def test_two_fields_at_once_are_named_from_what_the_canaries_say(
    models: dict[str, Model],
) -> None:
    checkpoint, canaries = models["clip"]
    swapped = changed(checkpoint, "text", activation="gelu", norm_eps=1e-6)
    note = check_vectors(swapped, canaries, "text", is_intact=True)
    assert note.fields == ("text.activation", "text.norm_eps")
    silent = replace(canaries, said=replace(canaries.said, spec={}))
    note = check_vectors(swapped, silent, "text", is_intact=True)
    assert note.fields == ("text",)
    assert note.sentence.endswith("; no one field of the text tower explains it")


def test_the_other_tower_is_not_blamed(models: dict[str, Model]) -> None:
    checkpoint, canaries = models["clip"]
    swapped = changed(checkpoint, "text", activation="gelu")
    assert check_vectors(swapped, canaries, "image", is_intact=True).verdict == "agrees"


def test_wrong_pixels_and_ids_are_not_the_towers_fault(models: dict[str, Model]) -> None:
    checkpoint, canaries = models["clip"]
    swapped = changed(changed(checkpoint, "pixels", mean=(0, 0, 0)), "words", clean="none")
    for side in ("image", "text"):
        assert check_vectors(swapped, canaries, side, is_intact=True).verdict == "agrees"


def test_no_field_is_looked_for_where_tensors_changed(models: dict[str, Model]) -> None:
    checkpoint, canaries = models["clip"]
    swapped = changed(checkpoint, "text", activation="gelu")
    note = check_vectors(swapped, canaries, "text", is_intact=False)
    assert note.fields == ("text",)
    assert note.sentence.endswith("(allowed: 1e-05), as changed tensors would make them")


def test_a_tower_that_does_not_fit_its_weights_is_a_finding(models: dict[str, Model]) -> None:
    checkpoint, canaries = models["clip"]
    swapped = changed(checkpoint, "image", layers=1)
    note = check_vectors(swapped, canaries, "image", is_intact=True)
    assert note.fields == ("image",)
    assert note.sentence.startswith("the image tower does not open: ")


def test_vectors_that_are_not_finite_differ(models: dict[str, Model]) -> None:
    checkpoint, canaries = models["clip"]
    vectors = canaries.text_vectors.copy()
    vectors[0] = np.nan
    broken = replace(canaries, text_vectors=vectors)
    note = check_vectors(checkpoint, broken, "text", is_intact=True)
    assert note.sentence == (
        "vectors differ by up to inf (allowed: 1e-05); no one field of the text tower explains it"
    )


def test_what_a_tower_cannot_take_is_said(models: dict[str, Model]) -> None:
    checkpoint, canaries = models["clip"]
    most = int(canaries.ids.max())
    cases: list[tuple[Side, Canaries, str]] = [
        (
            "image",
            replace(canaries, pixels=canaries.pixels[..., :16, :16]),
            "the expected pixels are 16 px and the tower takes 32 px",
        ),
        (
            "text",
            replace(canaries, ids=canaries.ids + 400),
            f"the expected rows have 16 ids from 400 to {most + 400}, and the tower takes 16 ids "
            "below 400",
        ),
        (
            "text",
            replace(canaries, ids=-canaries.ids),
            f"the expected rows have 16 ids from {-most} to 0, and the tower takes 16 ids below "
            "400",
        ),
        (
            "text",
            replace(canaries, text_vectors=canaries.text_vectors[:, :8]),
            "expected vectors have 8 numbers, and these 24",
        ),
    ]
    for side, strange, said in cases:
        note = check_vectors(checkpoint, strange, side, is_intact=True)
        assert (note.verdict, note.sentence) == ("unknown", said)


def test_engines_and_threads_stay_far_below_what_is_allowed(models: dict[str, Model]) -> None:
    for checkpoint, canaries in models.values():
        engines = [
            open_towers(checkpoint, runtime="torch"),
            open_towers(checkpoint, runtime="torch", threads=1),
            *(OnnxTowers(checkpoint, threads=threads) for threads in (1, 2)),
        ]
        for towers in engines:
            pictures, texts = unit(towers.image(canaries.pixels)), unit(towers.text(canaries.ids))
            far = [np.abs(pictures - canaries.image_vectors), np.abs(texts - canaries.text_vectors)]
            assert max(one.max() for one in far) < TOLERANCE / 10


def test_alternatives_are_those_that_no_shape_tells(models: dict[str, Model]) -> None:
    clip = SPECS["clip"]
    assert alternatives(clip.text)["heads"] == [4, 2, 1]
    resnet = SPECS["resnet"].image
    assert isinstance(resnet, ResNet)
    assert alternatives(resnet).keys() == {"heads"}
