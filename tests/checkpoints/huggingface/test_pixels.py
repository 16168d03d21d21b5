"""What processors of transformers do to pictures, in whichever file they say it."""

import json
from pathlib import Path
from typing import Any

import pytest

from published_models import write_hugging_face_clip, write_hugging_face_siglip, write_json
from sightline.checkpoints import read
from sightline.checkpoints.huggingface import pixels_in
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
