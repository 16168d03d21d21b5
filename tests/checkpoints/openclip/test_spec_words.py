"""A folder of OpenCLIP with a tokenizer of transformers gives the ids that OpenCLIP gives."""

from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from changed_tokenizers import write_clip_tokenizer, write_two_files
from published_models import OPENCLIP_CONFIG, write_openclip
from sightline.checkpoints import read
from sightline.errors import CheckpointError
from sightline.spec.architectures import CLIP_WORDS
from sightline.spec.words import open_words

TEXTS = [
    "a photo of a cat",
    "A Photo Of A CAT",
    "ΣΑΣ 'ſ",
    "a\u0345 &lt;b&gt; <|x|>",
    "cafe\u0301",
    "",
]


def write(folder: Path, open_clip: ModuleType, **text: Any) -> None:
    text = OPENCLIP_CONFIG["text_cfg"] | {"hf_tokenizer_name": "org/self"} | text
    write_openclip(folder, open_clip, OPENCLIP_CONFIG | {"text_cfg": text})


@pytest.mark.parametrize("clean", [None, "lower", "canonicalize"])
def test_clip_s_tokenizer_is_run_as_transformers_runs_it(
    clean: str | None, tmp_path: Path, open_clip: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    write(tmp_path, open_clip, **({"tokenizer_kwargs": {"clean": clean}} if clean else {}))
    write_clip_tokenizer(tmp_path)
    words = read(tmp_path).spec.words
    theirs = open_clip.get_tokenizer(f"local-dir:{tmp_path}")(TEXTS).tolist()
    assert open_words(words, tmp_path).rows(TEXTS, long="cut").ids.tolist() == theirs
    before = msgspec.structs.replace(CLIP_WORDS, context_length=16, clean=words.clean)
    assert open_words(before).rows(TEXTS, long="cut").ids.tolist() != theirs  # a control


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(folder)
    return str(caught.value).removeprefix(f"{folder / 'open_clip_config.json'} ")


def test_a_pad_that_texts_have_is_refused(tmp_path: Path, open_clip: ModuleType) -> None:
    write(tmp_path, open_clip)
    write_clip_tokenizer(tmp_path, config={"pad_token": "!"})
    assert refusal(tmp_path) == (
        "cannot be followed: CLIP's tokenizer pads with the id 0 here, a word that transformers "
        "then takes out of every text: name another pad_token in tokenizer_config.json"
    )


def test_files_that_only_a_class_completes_are_refused(
    tmp_path: Path, open_clip: ModuleType
) -> None:
    write(tmp_path, open_clip)
    write_two_files(tmp_path)
    assert refusal(tmp_path) == (
        "cannot be followed: text_cfg.hf_tokenizer_name means a tokenizer of transformers, and "
        "beside it is CLIP's in a form from before tokenizer.json: save it with a transformers "
        "that writes one"
    )
