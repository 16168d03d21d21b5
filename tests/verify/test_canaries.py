from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sightline.checkpoints import convert, read
from sightline.checkpoints.folder import CANARIES
from sightline.checkpoints.safetensors_writing import safetensors_chunks, storable
from sightline.embedder import load
from sightline.errors import CheckpointError
from sightline.settings import MAX_TEXT_CHARACTERS
from sightline.verify import check, make, read_canaries, write_canaries
from sightline.verify.canaries import KEY
from sightline.verify.subjects import TEXTS
from tiny_canaries import any_layout_spec, edit_said, flip_a_bit, sealed
from tiny_embedder import ColourTowers
from tiny_models import tiny_clip_spec
from tiny_towers import saved, tiny_model


def test_canaries_say_what_the_embedder_says(kept: Path) -> None:
    """One way to embed: the file holds what a user would get."""
    canaries, model = read_canaries(kept / CANARIES), load(kept)
    assert canaries.said.texts == TEXTS
    pictures = model.embed_images(list(canaries.pictures))
    assert np.abs(pictures - canaries.image_vectors).max() < 1e-6
    texts = model.embed_texts(list(TEXTS), long="cut")
    assert np.abs(texts - canaries.text_vectors).max() < 1e-6
    assert np.array_equal(model.words.rows(TEXTS, long="cut").ids, canaries.ids)
    assert canaries.said.fingerprint == model.fingerprint


def test_a_row_is_filled_and_others_are_padded(kept: Path) -> None:
    ids = read_canaries(kept / CANARIES).ids
    assert ids[-1, -1] == 49407
    assert ids[0, -1] == 0


def test_the_file_is_a_safetensors_file_that_others_read(kept: Path) -> None:
    from safetensors.numpy import load_file

    found = load_file(kept / CANARIES)
    assert found["pixels"].dtype == np.float32
    assert found["ids"].dtype == np.int64
    assert {name for name in found if name.startswith("pictures.")} == {
        "pictures.0",
        "pictures.1",
        "pictures.2",
    }


def test_canaries_lie_beside_the_weights_of_any_layout(tmp_path: Path) -> None:
    saved(tmp_path / "native", tiny_model(any_layout_spec()))
    for layout in ("huggingface", "openclip", "openai", "sightline"):
        convert(read(tmp_path / "native"), tmp_path / layout, layout)
        assert write_canaries(tmp_path / layout) == tmp_path / layout / CANARIES
        assert check(tmp_path / layout).is_itself


def test_a_layout_is_written_again_over_one_with_canaries(kept: Path, tmp_path: Path) -> None:
    for _ in range(2):
        convert(read(kept), tmp_path / "copy", "huggingface", replace=True, seal=write_canaries)
    assert check(tmp_path / "copy").is_itself


def test_a_model_that_changed_gets_no_canaries(own: Path) -> None:
    flip_a_bit(read(own), "text.final_norm.weight")
    with pytest.raises(CheckpointError, match=r"has 1 tensor \(text.final_norm.weight\) changed"):
        write_canaries(own)


def test_a_broken_model_gets_no_canaries(tmp_path: Path) -> None:
    model = tiny_model(tiny_clip_spec())
    model.state_dict()["text.final_norm.weight"].fill_(torch.nan)
    saved(tmp_path / "model", model)
    with pytest.raises(CheckpointError) as caught:
        write_canaries(tmp_path / "model")
    assert str(caught.value) == (
        f"{tmp_path / 'model' / 'model.safetensors'} gives a canary a vector without a direction "
        "(zero, infinite or NaN): its weights are broken, so nothing is written"
    )
    assert not (tmp_path / "model" / CANARIES).exists()


def test_a_text_that_the_vocabulary_refuses_is_left_out(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "a" * (MAX_TEXT_CHARACTERS + 1)
    monkeypatch.setattr("sightline.verify.canaries.TEXTS", (long, "a"))
    assert make(read(kept), load(kept).towers).said.texts == ("a",)
    monkeypatch.setattr("sightline.verify.canaries.TEXTS", (long,))
    with pytest.raises(CheckpointError) as caught:
        make(read(kept), ColourTowers())
    assert str(caught.value) == (
        f"the vocabulary of {kept} can write none of the canary texts: bring the tokenizer that "
        "the model was trained with"
    )


def test_a_place_that_cannot_be_written_to_is_said(own: Path) -> None:
    (own / CANARIES).unlink()
    (own / CANARIES).mkdir()
    with pytest.raises(CheckpointError) as caught:
        write_canaries(own)
    assert str(caught.value) == (
        f"{own / CANARIES} cannot be written (Is a directory): free some space or make the folder "
        "writable"
    )


def refusal(path: Path) -> str:
    """Return why a file is not read, without its path."""
    with pytest.raises(CheckpointError) as caught:
        read_canaries(path)
    return str(caught.value).removeprefix(f"{path} ")


def test_a_flipped_bit_in_the_file_itself_is_found(own: Path) -> None:
    path = own / CANARIES
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    said = refusal(path)
    assert said.startswith("has changed since it was written (its ")
    assert said.endswith(" has another digest): restore it from where the model came from")


def test_another_version_is_refused(own: Path) -> None:
    edit_said(own, lambda said: said.update(version=1))
    assert refusal(own / CANARIES) == (
        "is of version 1 but this Sightline reads version 2: use the Sightline that wrote it"
    )


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (b'norm_eps\\":0.00001', b'norm_eps\\":0.00002'),  # of a tower
        (b"A photo of a Cat", b"A photo of a Car"),
        (b'\\"fingerprint\\":\\"', b'\\"fingerprint\\":\\"0'),
    ],
)
def test_what_the_file_says_of_the_model_is_not_believed_when_it_was_changed(
    own: Path, now: bytes, then: bytes
) -> None:
    """The model is as it was: it is not blamed for its canaries."""
    path = own / CANARIES
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    assert now in content[:size]
    header = content[8 : 8 + size].replace(now, then, 1)
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + size :])
    assert refusal(path) == (
        "has changed since it was written (what it says of the model has another digest): restore "
        "it from where the model came from"
    )
    assert check(own).fields == (CANARIES,)


def write_file(path: Path, metadata: dict[str, Any], **arrays: np.ndarray) -> Path:
    stored = {name: storable(name, array) for name, array in arrays.items()}
    path.write_bytes(b"".join(safetensors_chunks(stored, metadata)))
    return path


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "does not say what its canaries are (Expected `object`, got `null`): restore it"),
        ({KEY: "{}"}, "does not say what its canaries are (Object missing required field"),
    ],
)
def test_a_file_of_something_else_is_refused(
    tmp_path: Path, metadata: dict[str, Any], said: str
) -> None:
    path = write_file(tmp_path / "x.safetensors", metadata, a=np.zeros(2, np.float32))
    assert refusal(path).startswith(said)


def test_metadata_that_is_no_text_is_refused(tmp_path: Path) -> None:
    header = b'{"__metadata__":{"a":5}}'
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    assert refusal(path) == (
        "has unreadable metadata (Expected `str`, got `int` - at `$.__metadata__[...]`): copy it "
        "again"
    )


def spoil(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Return what replaces one array of a file by another, digest and all."""
    from hashlib import sha256

    from sightline.tensors.safetensors_file import metadata, open_safetensors

    def spoil_file(path: Path) -> None:
        import json

        file = open_safetensors(path)
        arrays = {key: place.words(file.mapped) for key, place in file.places.items()}
        arrays[name] = np.array(change(arrays[name]))
        said = json.loads(metadata(file)[KEY])
        said["arrays"][name] = sha256(arrays[name].data).hexdigest()
        write_file(path, sealed(said), **arrays)

    return spoil_file


@pytest.mark.parametrize(
    "spoiler",
    [
        spoil("pixels", lambda array: array[:1]),
        spoil("pixels", lambda array: array[:, :, 1:]),
        spoil("pixels", lambda array: array[:, :, :0, :0]),
        spoil("pixels", lambda array: array.astype(np.float64)),
        spoil("ids", lambda array: array[:, 0]),
        spoil("ids", lambda array: array[1:]),
        spoil("text_vectors", lambda array: array[1:]),
        spoil("image_vectors", lambda array: array[1:]),
        spoil("pictures.0", lambda array: array[..., :2]),
        spoil("pictures.1", lambda array: array[:0]),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    own: Path, spoiler: Callable[[Path], None]
) -> None:
    spoiler(own / CANARIES)
    assert refusal(own / CANARIES) == (
        "does not hold what canaries are (pictures with pixels and vectors, texts with ids and "
        "vectors): restore it from where the model came from"
    )
