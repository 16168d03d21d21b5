"""Learn a small vocabulary from captions, as a tokenizer.json. Enter at `train_vocabulary`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.errors import DataError
from sightline.spec.clean import Cleaning, cleaner
from sightline.spec.space_marked import set_pieces

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD_ID, START_ID, END_ID = 0, 1, 2
_SPECIAL_WORDS = ["<pad>", "<start>", "<end>"]  # their places are their ids
_SMALLEST = len(_SPECIAL_WORDS) + 256  # every byte is in, so no caption is ever unknown


def train_vocabulary(
    captions: Iterable[str], size: int, path: Path, *, clean: Cleaning = "openai"
) -> int:
    """Write a byte-level byte-pair tokenizer.json learnt from captions.

    The same captions in the same order give the same bytes. Ids 0, 1 and 2 are pad, start and end.

    Args:
        captions: Any number of captions; a repeated one counts as often as it comes.
        size: Ids at most, the three special ones and 256 bytes included.
        path: The file to write, usually tokenizer.json.
        clean: The cleaning that the model's text recipe will name; captions are learnt cleaned.

    Returns:
        How many ids the vocabulary has: fewer than `size` where the captions are too few. The
        text tower's vocabulary must be at least this large.

    Raises:
        DataError: `size` has no room for the bytes, or there is no caption.
    """
    if size < _SMALLEST:
        raise DataError(
            f"a vocabulary of {size} ids cannot hold every byte: ask for {_SMALLEST} or more"
        )
    from tokenizers import pre_tokenizers, trainers

    tokenizer = _empty_tokenizer()
    tokenizer.train_from_iterator(
        _cleaned(captions, clean),
        trainers.BpeTrainer(
            vocab_size=size,
            min_frequency=2,
            special_tokens=_SPECIAL_WORDS,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    path.write_text(tokenizer.to_str(pretty=True), encoding="utf-8", newline="\n")
    return tokenizer.get_vocab_size()


def _cleaned(captions: Iterable[str], clean: Cleaning) -> Iterator[str]:
    tidy = cleaner(clean)
    empty = True
    for caption in captions:
        empty = False
        yield tidy(caption)
    if empty:
        raise DataError("there is no caption to learn a vocabulary from: give at least one")


def _empty_tokenizer() -> "Tokenizer":
    from tokenizers import Tokenizer, decoders, models, processors

    tokenizer = Tokenizer(models.BPE())
    set_pieces(tokenizer)
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", START_ID), ("<end>", END_ID)]
    )
    return tokenizer
