"""The tokenizer's files that transformers reads, from a model's own. Enter at `tokenizer_files`."""

from functools import cache
from pathlib import Path
from typing import Any

from sightline.checkpoints.huggingface.spec import CLEANINGS
from sightline.checkpoints.json_file import json_bytes, read_bytes
from sightline.checkpoints.tokenizer_facts import CLIP_MARKS
from sightline.spec.byte_pairs import written_vocabulary
from sightline.spec.words import TextRecipe

TOKENIZER, CONFIG = "tokenizer.json", "tokenizer_config.json"
# CLIP's pattern as the tokenizers library writes it: transformers 5.23 `tokenization_clip.py`
PIECES = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


def tokenizer_files(words: TextRecipe, file: Path | None) -> dict[str, bytes]:
    """Return name → contents of the files that make transformers tokenize as the model does.

    Args:
        words: The model's text recipe.
        file: Its tokenizer.json; None where the vocabulary is CLIP's own, which is then written.
    """
    if file is None:
        return {TOKENIZER: _clip_tokenizer(), CONFIG: _clip_config(words)}
    beside = file.with_name(CONFIG)
    config = read_bytes(beside) if beside.is_file() else _config(words, file)
    return {TOKENIZER: read_bytes(file), CONFIG: config}


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
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    classes = {cleaning: kind for kind, cleaning in CLEANINGS.items()}
    said: dict[str, Any] = {
        "tokenizer_class": classes.get(words.clean, "PreTrainedTokenizerFast"),
        "pad_token": tokenizer.id_to_token(words.pad_id),
        "padding_side": "right",
        "model_max_length": words.context_length,
    }
    marks = {"bos_token": words.start_id, "eos_token": words.end_id}
    said |= {name: tokenizer.id_to_token(mark) for name, mark in marks.items() if mark is not None}
    return json_bytes(said)
