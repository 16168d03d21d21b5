"""What processors of transformers do to pictures, in whichever file they say it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from published_models import write_hugging_face_clip, write_hugging_face_siglip, write_json
from sightline.checkpoints import read
from sightline.checkpoints.huggingface import pixels_in
from sightline.checkpoints.huggingface.pixels import pixels_of
from sightline.errors import CheckpointError


def save_with_transformers(folder: Path, kind: str) -> None:
    """Replace a folder's files of a processor by those that transformers itself writes."""
    import transformers

    (folder / "preprocessor_config.json").unlink()
    square = {"height": 32, "width": 32}
    sizes: dict[str, dict[str, Any]] = {
        "CLIP": {"size": {"shortest_edge": 32}, "crop_size": square},
        "Siglip": {"size": square, "image_mean": [0.5] * 3, "image_std": [0.5] * 3},
    }
    images: Any = getattr(transformers, f"{kind}ImageProcessorPil")(**sizes[kind])
    fast: Any = transformers.PreTrainedTokenizerFast
    words = fast(tokenizer_file=str(folder / "tokenizer.json"))
    kept = (folder / "tokenizer_config.json").read_bytes()
    processor: Any = getattr(transformers, f"{kind}Processor")
    processor(image_processor=images, tokenizer=words).save_pretrained(folder)
    (folder / "tokenizer_config.json").write_bytes(kept)


@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_a_processor_that_transformers_5_saved_says_the_same(kind: str, tmp_path: Path) -> None:
    write = {"CLIP": write_hugging_face_clip, "Siglip": write_hugging_face_siglip}
    write[kind](tmp_path)
    before = read(tmp_path).spec
    save_with_transformers(tmp_path, kind)
    assert not (tmp_path / "preprocessor_config.json").exists()
    assert read(tmp_path).spec == before


@pytest.fixture
def processor(tmp_path: Path) -> dict[str, Any]:
    write_hugging_face_clip(tmp_path)
    found: dict[str, Any] = json.loads((tmp_path / "preprocessor_config.json").read_text())
    return found


def test_two_files_that_agree_are_one(processor: dict[str, Any], tmp_path: Path) -> None:
    before = pixels_in(tmp_path)
    write_json(tmp_path / "processor_config.json", {"image_processor": processor})
    assert pixels_in(tmp_path) == before


def test_two_files_that_differ_are_refused(processor: dict[str, Any], tmp_path: Path) -> None:
    changed = processor | {"resample": 2}
    write_json(tmp_path / "processor_config.json", {"image_processor": changed})
    with pytest.raises(CheckpointError) as caught:
        pixels_in(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'preprocessor_config.json'} and processor_config.json beside it describe "
        "different pictures: delete whichever the model was not trained with"
    )


def test_of_transformers_4_the_other_file_is_read(
    processor: dict[str, Any], tmp_path: Path
) -> None:
    before = pixels_in(tmp_path)
    write_json(tmp_path / "processor_config.json", {"processor_class": "CLIPProcessor"})
    assert pixels_in(tmp_path) == before


KINDS = {"CLIPImageProcessor": "CLIP", "SiglipImageProcessor": "Siglip"}
SAID: list[dict[str, Any]] = [
    {},
    {"resample": 2, "image_mean": [0.1, 0.2, 0.3]},
    {"size": {"height": 224, "width": 224}, "image_std": [0.4, 0.5, 0.6]},
]


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_processor_does_what_its_class_does(
    kind: str, said: dict[str, Any], tmp_path: Path
) -> None:
    import transformers

    write_json(tmp_path / "preprocessor_config.json", {"image_processor_type": kind} | said)
    theirs: Any = getattr(transformers, f"{kind}Pil").from_pretrained(tmp_path)
    picture = np.random.default_rng(0).integers(0, 256, (301, 255, 3), dtype=np.uint8)
    wanted = np.asarray(theirs(picture)["pixel_values"][0])
    for end in ("", "Fast", "Pil"):
        document = {"image_processor_type": kind + end} | said
        write_json(tmp_path / "preprocessor_config.json", document)
        assert np.abs(pixels_in(tmp_path).apply(picture) - wanted).max() < 1e-6


def test_the_old_name_of_clip_s_is_known(tmp_path: Path) -> None:
    old = {"feature_extractor_type": "CLIPFeatureExtractor"}
    assert pixels_of(old, tmp_path) == pixels_of(
        {"image_processor_type": "CLIPImageProcessor"}, tmp_path
    )


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"image_processor_type": "BlipImageProcessor"},
        {"image_processor_type": "CLIPImageProcessor", "resample": None, "image_mean": None},
    ],
)
def test_what_no_known_class_says_is_asked_for(said: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        pixels_of(said | {"size": 32, "image_std": [0.5] * 3}, tmp_path / "p.json")
    assert str(caught.value) == (
        f"{tmp_path / 'p.json'} does not say resample, image_mean: write there what the model was "
        "trained with, for what a missing key means is known of CLIPImageProcessor, "
        "CLIPFeatureExtractor, SiglipImageProcessor alone"
    )


def test_control_a_class_s_own_crop_is_not_left_out(tmp_path: Path) -> None:
    """transformers would resize to 336 px and cut 224 out of it."""
    said = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 336}}
    with pytest.raises(CheckpointError, match="resizes to 336 px and crops to"):
        pixels_of(said, tmp_path / "p.json")
