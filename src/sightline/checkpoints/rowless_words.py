"""Words of a tokenizer that its text tower has no row for. Enter at `refuse_rowless_words`."""

from pathlib import Path

from sightline.checkpoints.json_file import read_understood
from sightline.checkpoints.tokenizer_json import Model, TokenizerJson, all_ids
from sightline.errors import CheckpointError
from sightline.spec.clean import cleaner
from sightline.spec.towers import Spec


def refuse_rowless_words(file: Path, spec: Spec) -> None:
    """Refuse a tokenizer that could write an id which the tower cannot look up.

    Words that no text can become are let be: special ones, which are not looked for in texts, and
    those that cleaning takes away (the multilingual SigLIP has "<extra_id_0>" and 99 more).

    Args:
        file: The tokenizer.json.
        spec: Of the model that it belongs to.

    Raises:
        CheckpointError: Names a word and its id, and how many rows there are.
    """
    whole, rows = read_understood(file, TokenizerJson), spec.text.vocab_size
    idle = {word.content for word in whole.added_tokens if word.special}
    met = {spec.words.start_id, all_ids(whole).get(whole.model.unk_token or "")} - {None}
    clean = cleaner(spec.words.clean)
    for word, token_id in all_ids(whole).items():
        if token_id < rows or (word in idle and token_id not in met):
            continue
        spelt = _spelt(word, whole.model)
        # What stands for other bytes cannot be told by its spelling.
        if token_id in met or not spelt.isascii() or clean(spelt) == spelt:
            raise CheckpointError(
                f"{file} has the word {word[:99]!r} with the id {token_id}, and the text tower has "
                f"{rows} rows: give the model the tokenizer that it was trained with"
            )


def _spelt(word: str, model: Model) -> str:
    """Return what a piece is in a text, its space and the signs of where it stands left out."""
    bare = word.removeprefix(model.continuing_subword_prefix or "")
    bare = bare.removesuffix(model.end_of_word_suffix or "")
    return bare.replace("▁", " ").replace("Ġ", " ").strip()
