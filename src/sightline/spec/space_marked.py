"""How a vocabulary of our own cuts text: a word begins with its space. Enter at `set_pieces`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# CLIP's pieces, with two differences: accents stay in their word, and the space before a word
# belongs to it. That space marks where words begin, so a byte needs one id and not two (CLIP's
# "</w>" doubles them), and the plural of a word starts with the ids of the word.
PIECES = r"'(?:s|t|re|ve|m|ll|d)| ?[\p{L}\p{M}]+| ?\p{N}| ?[^\s\p{L}\p{M}\p{N}]+|\s+"


def set_pieces(tokenizer: "Tokenizer") -> None:
    """Make a tokenizer cut text into these pieces, and write their bytes."""
    from tokenizers import Regex, normalizers
    from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

    tokenizer.normalizer = normalizers.Prepend(" ")  # the first word is a word like the others
    tokenizer.pre_tokenizer = Sequence(
        [
            Split(Regex(PIECES), behavior="isolated"),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def is_cut_at_spaces(tokenizer: "Tokenizer") -> bool:
    """Whether a tokenizer cuts so, and nothing that was added to it joins words again.

    Then no piece begins before a space and ends after it, so that words have the ids that they
    have in company.
    """
    from tokenizers import Tokenizer, models

    ours = Tokenizer(models.BPE())
    set_pieces(ours)
    parts = (tokenizer.normalizer, tokenizer.pre_tokenizer)
    if None in parts or not isinstance(tokenizer.model, models.BPE):
        return False
    wanted = (ours.normalizer, ours.pre_tokenizer)
    same = all(a.__getstate__() == b.__getstate__() for a, b in zip(parts, wanted, strict=True))
    return same and all(word.special for word in tokenizer.get_added_tokens_decoder().values())


def cut_at_spaces(text: str) -> list[str]:
    """Cut a text at its spaces, or nowhere if it has any but single ones between words."""
    words = text.split()
    return words if " ".join(words) == text else [text]
