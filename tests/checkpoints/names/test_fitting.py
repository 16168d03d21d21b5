"""Name tables read both ways, and what does not fit said by name."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.checkpoints.names import NAME_TABLES, fit, nearest_table, spelt, table_that_reads
from sightline.checkpoints.names.table import NameTable, look_up, row, spell
from sightline.checkpoints.safetensors_writing import Stored, storable
from sightline.errors import CheckpointError
from sightline.spec.inventory import shapes
from sightline.spec.towers import Spec
from sightline.tensors import Place, TensorFile, open_tensors
from tiny_folder import write_arrays
from tiny_specs import RESNET, SIGLIP_TEXT, SIGLIP_VIT, TEXT, tiny_spec

CLIP = tiny_spec()
SIGLIP = tiny_spec(SIGLIP_VIT, SIGLIP_TEXT, embed_dim=32)
MATRIX = msgspec.structs.replace(SIGLIP_TEXT, projection="matrix")
LINEAR = msgspec.structs.replace(TEXT, projection="matrix_and_bias")
# Each layout with a model that it can hold.
MODELS = {
    "huggingface-clip": CLIP,
    "huggingface-siglip": SIGLIP,
    "openai": CLIP,
    "openai-resnet": tiny_spec(RESNET),
    "openclip": CLIP,
    "openclip-resnet": tiny_spec(RESNET),
    "openclip-timm-matrix": tiny_spec(SIGLIP_VIT, MATRIX, embed_dim=32),
    "openclip-bias": tiny_spec(text=LINEAR),
    "openclip-resnet-bias": tiny_spec(RESNET, LINEAR),
    "openclip-timm": SIGLIP,
    "openclip-joined-timm": tiny_spec(SIGLIP_VIT, MATRIX, embed_dim=32),
    "openclip-joined-bias": tiny_spec(text=LINEAR),
    "openclip-joined-resnet-bias": tiny_spec(RESNET, LINEAR),
    "openclip-joined-timm-bias": SIGLIP,
}


def drawn(spec: Spec, dtype: type = np.float32) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {name: draw.normal(size=shape).astype(dtype) for name, shape in shapes(spec).items()}


def stored(tensors: dict[str, np.ndarray]) -> dict[str, Stored]:
    return {name: storable(name, array) for name, array in tensors.items()}


def written(path: Path, spec: Spec, layout: str, **changes: np.ndarray | None) -> list[TensorFile]:
    """Write a model under a layout's names, with tensors changed, added or (None) left out."""
    theirs = {
        name: one.words for name, one in spelt(stored(drawn(spec)), NAME_TABLES[layout]).items()
    }
    kept = {name: array for name, array in (theirs | changes).items() if array is not None}
    return list(open_tensors(write_arrays(path / "m.safetensors", kept)))


def refusal(files: list[TensorFile], spec: Spec, layout: str) -> str:
    with pytest.raises(CheckpointError) as caught:
        fit(files, spec, NAME_TABLES[layout])
    return str(caught.value)


@pytest.mark.parametrize("layout", MODELS)
def test_what_was_written_reads_the_same(layout: str, tmp_path: Path) -> None:
    spec = MODELS[layout]
    weights = fit(written(tmp_path, spec, layout), spec, NAME_TABLES[layout])
    wanted = drawn(spec)
    assert set(weights) == set(wanted)
    assert all(np.array_equal(weights[name], wanted[name]) for name in wanted)


def test_counters_of_batch_norms_may_be_there(tmp_path: Path) -> None:
    spec, counter = tiny_spec(RESNET), np.array(7)
    files = written(tmp_path, spec, "openai-resnet", **{"visual.bn1.num_batches_tracked": counter})
    weights = fit(files, spec, NAME_TABLES["openai-resnet"])
    assert weights["image.stem.bn1.num_batches_tracked"] == 7


@pytest.mark.parametrize(
    ("layout", "buffer"),
    [
        ("huggingface-clip", "text_model.embeddings.position_ids"),
        ("huggingface-siglip", "vision_model.embeddings.position_ids"),
        ("openai", "input_resolution"),
        ("openai", "attn_mask"),
        ("openclip-timm", "text.attn_mask"),
    ],
)
def test_buffers_that_no_answer_depends_on_are_dropped(
    layout: str, buffer: str, tmp_path: Path
) -> None:
    spec = MODELS[layout]
    files = written(tmp_path, spec, layout, **{buffer: np.arange(3)})
    assert set(fit(files, spec, NAME_TABLES[layout])) == set(shapes(spec))


def test_control_another_buffer_is_left_over(tmp_path: Path) -> None:
    files = written(tmp_path, CLIP, "openai", position_ids=np.arange(3))
    assert refusal(files, CLIP, "openai") == (
        f"{tmp_path / 'm.safetensors'} has left over 1 tensor (position_ids) for a model in "
        "OpenAI's and OpenCLIP's layout: its weights and its record do not belong together"
    )


def test_missing_and_left_over_tensors_are_named_three_at_most(tmp_path: Path) -> None:
    changes: dict[str, np.ndarray | None] = {f"extra.{i}": np.zeros(1) for i in range(4)}
    files = written(tmp_path, CLIP, "openai", **changes, **{"ln_final.weight": None})
    assert refusal(files, CLIP, "openai") == (
        f"{tmp_path / 'm.safetensors'} lacks 1 tensor (ln_final.weight) and has left over "
        "4 tensors (extra.0, extra.1, extra.2, …) for a model in OpenAI's and "
        "OpenCLIP's layout: its weights and its record do not belong together"
    )


def test_the_layout_that_would_fit_is_named(tmp_path: Path) -> None:
    files = written(tmp_path, CLIP, "huggingface-clip")
    assert refusal(files, CLIP, "openai").endswith(
        "for a model in OpenAI's and OpenCLIP's layout: its names are those of Hugging Face's "
        "CLIP layout"
    )


def test_a_model_of_more_layers_is_left_over(tmp_path: Path) -> None:
    deeper = msgspec.structs.replace(CLIP, text=msgspec.structs.replace(CLIP.text, layers=3))
    files = written(tmp_path, deeper, "huggingface-clip")
    assert "has left over 16 tensors (text_model.encoder.layers.2." in refusal(
        files, CLIP, "huggingface-clip"
    )


def test_another_shape_is_named_with_both(tmp_path: Path) -> None:
    files = written(tmp_path, CLIP, "openai", text_projection=np.zeros((32, 25), np.float32))
    assert refusal(files, CLIP, "openai") == (
        f"{tmp_path / 'm.safetensors'} has text_projection of shape [25, 32] where the model that "
        "its record describes needs [24, 32]: the two do not belong together"
    )


@pytest.mark.parametrize("shape", [(), (97, 32)])
def test_what_cannot_be_parted_is_named(shape: tuple[int, ...], tmp_path: Path) -> None:
    name = "transformer.resblocks.0.attn.in_proj_weight"
    files = written(tmp_path, CLIP, "openai", **{name: np.zeros(shape, np.float32)})
    assert refusal(files, CLIP, "openai").startswith(
        f"{tmp_path / 'm.safetensors'} has {name} of shape {list(shape)} where the model"
    )


def test_missing_parts_are_named_as_the_tensor_that_joins_them(tmp_path: Path) -> None:
    name = "transformer.resblocks.0.attn.in_proj_weight"
    files = written(tmp_path, CLIP, "openai", **{name: None})
    assert f"lacks 1 tensor ({name}) for a model" in refusal(files, CLIP, "openai")


def test_what_the_layout_has_no_name_for_keeps_ours(tmp_path: Path) -> None:
    files = written(tmp_path, CLIP, "openai")
    assert "(image.pool.attention.key.bias, " in refusal(files, SIGLIP, "openai")


@pytest.mark.parametrize("dtype", [np.int64, np.bool_])
def test_weights_that_are_no_fractions_are_refused(dtype: type, tmp_path: Path) -> None:
    files = written(tmp_path, CLIP, "openai", logit_scale=np.array(1, dtype))
    kind = {np.int64: "I64", np.bool_: "BOOL"}[dtype]
    assert refusal(files, CLIP, "openai") == (
        f"{tmp_path / 'm.safetensors'} has logit_scale stored as {kind}: only weights stored as "
        "F64, F32, F16, BF16 are read here"
    )


@pytest.mark.parametrize("layout", MODELS)
def test_a_layout_is_known_by_its_names(layout: str) -> None:
    names, _ = spell(list(shapes(MODELS[layout])), NAME_TABLES[layout])
    assert table_that_reads([one.theirs for one in names]) is NAME_TABLES[layout]


def theirs(layout: str) -> list[str]:
    """Return the names of a file in a layout."""
    return [one.theirs for one in spell(list(shapes(MODELS[layout])), NAME_TABLES[layout])[0]]


@pytest.mark.parametrize("layout", MODELS)
def test_a_layout_is_known_by_most_of_its_names(layout: str) -> None:
    """Of a file with tensors too many or too few: the sentence is then about its own layout."""
    names, spec = theirs(layout), MODELS[layout]
    lost = [name for name in names if not name.endswith(("in_proj_bias", "q_proj.bias"))]
    for found in (names, [*names, "ema.decay"], lost):
        assert nearest_table(found, spec) is NAME_TABLES[layout]


def test_a_missing_bias_is_named_as_its_file_would() -> None:
    """A file of the same model without it is of another layout, which has no name for it."""
    spec = MODELS["openclip-timm"]
    for names in (theirs("openclip-timm-matrix"), theirs("openclip-joined-timm")):
        assert table_that_reads(names) is not None
        assert spell(["text.projection.bias"], nearest_table(names, spec))[1] == []


def test_control_of_names_that_nobody_knows_the_commonest_is_taken() -> None:
    assert nearest_table(["a", "b"], CLIP) is NAME_TABLES["openai"]


def test_names_of_no_layout_are_known_as_none() -> None:
    assert table_that_reads(["logit_scale", "encoder.weight"]) is None


@pytest.mark.parametrize("layout", NAME_TABLES)
def test_both_sides_of_every_row_have_the_same_gaps(layout: str) -> None:
    for one in NAME_TABLES[layout].rows:
        gaps = [re.findall(r"\{\}|\*", side) for side in (one.theirs, *one.ours)]
        assert all(gap == gaps[0] for gap in gaps), one


@pytest.mark.parametrize("layout", NAME_TABLES)
def test_no_name_is_read_by_two_rows(layout: str) -> None:
    for model in MODELS.values():
        for known in spell(list(shapes(model)), NAME_TABLES[layout])[0]:
            places = {
                known.theirs: Place(path=Path(), dtype="F32", shape=(6, 1), offset=0, length=24)
            }
            rows = [one for one in NAME_TABLES[layout].rows if look_up(places, alone(one)).places]
            assert len(rows) == 1, known.theirs


def alone(one: object) -> NameTable:
    return NameTable(title="one row", rows=(one,))  # type: ignore[arg-type]


def test_tensors_of_two_types_are_not_joined() -> None:
    tensors = stored(drawn(CLIP))
    half = tensors["text.blocks.0.attention.key.weight"]
    tensors["text.blocks.0.attention.key.weight"] = Stored("F16", half.words.astype(np.float16))
    with pytest.raises(CheckpointError) as caught:
        spelt(tensors, NAME_TABLES["openai"])
    assert str(caught.value) == (
        "transformer.resblocks.0.attn.in_proj_weight joins tensors that are stored as F16 and "
        "F32: store them in one type"
    )


def test_a_tensor_that_a_layout_has_no_name_for_is_named() -> None:
    with pytest.raises(CheckpointError) as caught:
        spelt(stored(drawn(SIGLIP)), NAME_TABLES["huggingface-clip"])
    assert str(caught.value) == (
        "Hugging Face's CLIP layout has no name for image.pool.probe: choose another layout"
    )


@given(st.lists(st.integers(0, 999), min_size=2, max_size=2), st.sampled_from(["weight", "bias"]))
def test_a_row_is_its_own_inverse(numbers: list[int], kind: str) -> None:
    table = NameTable(title="t", rows=(row("a{}.b.{}.*", "x.{}.y{}.*"),))
    theirs = f"a{numbers[0]}.b.{numbers[1]}.{kind}"
    place = Place(path=Path(), dtype="F32", shape=(1,), offset=0, length=4)
    [ours] = look_up({theirs: place}, table).places
    assert ours == f"x.{numbers[0]}.y{numbers[1]}.{kind}"
    [back], unknown = spell([ours], table)
    assert (back.theirs, unknown) == (theirs, [])
