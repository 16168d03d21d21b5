"""From a caption to the rows of ids a text tower reads. Enter at `open_words`."""

from typing import Literal

import msgspec

from sightline.errors import SpecError


class TextRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one checkpoint writes a caption as a row of ids."""

    tokenizer: Literal["clip", "file"]  # CLIP's byte pairs, or tokenizer.json in the model folder
    clean: Literal["openai", "nfc_lower", "canonical_space", "canonical_delete", "lower", "none"]
    context_length: int  # ids in a row, start and end included
    start_id: int | None  # None: a family without a start token
    end_id: int | None  # may equal pad_id: SigLIP pads with its end token
    pad_id: int
    template: str  # the recommended prompt, with one {}: it belongs to the model

    def __post_init__(self) -> None:
        if self.room < 1:
            raise SpecError(f"context_length {self.context_length} holds no caption: raise it")
        if self.template.count("{}") != 1:
            raise SpecError(f"words.template {self.template!r} needs exactly one {{}}: add it")

    @property
    def room(self) -> int:
        """Ids of the caption itself that fit in a row."""
        return self.context_length - (self.start_id is not None) - (self.end_id is not None)
