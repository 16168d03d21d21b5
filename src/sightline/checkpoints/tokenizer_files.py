"""The tokenizer's files that transformers reads, from a model's own. Enter at `tokenizer_files`."""

from functools import cache
from pathlib import Path
from typing import Any

from sightline.checkpoints.clip_tokenizer import CLIP_MARKS
from sightline.checkpoints.huggingface.spec import CLEANINGS
from sightline.checkpoints.json_file import json_bytes, read_bytes, read_understood
from sightline.checkpoints.tokenizer_json import CONFIG, TokenizerJson, all_ids, config_of
from sightline.spec.byte_pairs import written_vocabulary
from sightline.spec.words import TextRecipe

TOKENIZER = "tokenizer.json"
# Cleaning → the class to write. OpenCLIP's SigLIP turns "_" into a space where transformers' one
# deletes it; whoever converts is told.
CLASSES = {cleaning: kind for kind, cleaning in CLEANINGS.items()} | {
    "canonical_space": "SiglipTokenizer"
}
# CLIP's pattern as the tokenizers library writes it: transformers 5.23 `tokenization_clip.py`
PIECES = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


def tokenizer_files(words: TextRecipe, file: Path | None) -> dict[str, bytes]:
    """Return name → contents of the files that make transformers tokenize as the model does.

    Args:
        words: The model's text recipe.
        file: Its tokenizer.json; None where the vocabulary is CLIP's own, which is then written.

    Raises:
        CheckpointError: The file is no tokenizer's.
    """
    if file is None:
        return {TOKENIZER: _clip_tokenizer(), CONFIG: _clip_config(words)}
    beside = config_of(file.parent)
    # A class that says nothing of cleaning is replaced: the recipe does.
    return carried_files(words, file) if beside.tokenizer_class in CLEANINGS else _anew(words, file)


def carried_files(words: TextRecipe, file: Path) -> dict[str, bytes]:
    """Return the same for OpenCLIP, which cleans by itself: any class will do.

    Args:
        words: The model's text recipe.
        file: Its tokenizer.json.

    Raises:
        CheckpointError: The file is no tokenizer's.
    """
    beside = file.with_name(CONFIG)
    if not beside.is_file():
        return _anew(words, file)
    return {TOKENIZER: read_bytes(file), CONFIG: read_bytes(beside)}


def _anew(words: TextRecipe, file: Path) -> dict[str, bytes]:
    return {TOKENIZER: read_bytes(file), CONFIG: _config(words, file)}


@cache
def _clip_tokenizer() -> bytes:
    """Write CLIP's vocabulary for the tokenizers library, which knows no ftfy."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
    from tokenizers import pre_tokenizers as cuts
    from tokenizers.processors import TemplateProcessing

    vocabulary, merges = written_vocabulary()
    start, end = CLIP_MARKS
    pairs = [(line.split(" ")[0], line.split(" ")[1]) for line in merges]
    model = models.BPE(
        vocab=vocabulary | CLIP_MARKS,
        merges=pairs,
        continuing_subword_prefix="",
        end_of_word_suffix="</w>",
        fuse_unk=False,
        unk_token=end,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = cuts.Sequence(
        [
            cuts.Split(Regex(PIECES), behavior="removed", invert=True),
            cuts.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    marks = [(mark, token_id) for mark, token_id in CLIP_MARKS.items()]
    tokenizer.post_processor = TemplateProcessing(
        single=f"{start} $A {end}", pair=f"{start} $A {end} {end} $B {end}", special_tokens=marks
    )
    tokenizer.add_special_tokens([AddedToken(mark, normalized=True) for mark in CLIP_MARKS])
    return str(tokenizer.to_str()).encode()


def _clip_config(words: TextRecipe) -> bytes:
    """Name the class and the marks.

    Rows are padded with the end mark, whatever the model's own pads: CLIPModel never sees them, and
    a pad token "!" (id 0, as in OpenAI's rows) would make transformers take every "!" of a text for
    a pad.
    """
    start, end = CLIP_MARKS
    return json_bytes(
        {
            "tokenizer_class": "CLIPTokenizer",
            "bos_token": start,
            "eos_token": end,
            "unk_token": end,
            "pad_token": end,
            "model_max_length": words.context_length,
        }
    )


def _config(words: TextRecipe, file: Path) -> bytes:
    """Name the class that cleans as the model does, and the marks by their words."""
    spelt = {number: word for word, number in all_ids(read_understood(file, TokenizerJson)).items()}
    said: dict[str, Any] = {
        "tokenizer_class": CLASSES.get(words.clean, "PreTrainedTokenizerFast"),
        "pad_token": spelt.get(words.pad_id),
        "padding_side": "right",
        "model_max_length": words.context_length,
    }
    marks = {"bos_token": words.start_id, "eos_token": words.end_id}
    said |= {name: spelt.get(mark) for name, mark in marks.items() if mark is not None}
    return json_bytes(said)
