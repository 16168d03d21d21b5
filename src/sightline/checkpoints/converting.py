"""A model from one library's layout to another's, bit for bit. Enter at `convert`."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from sightline.checkpoints.checkpoint import Checkpoint
from sightline.checkpoints.comparing import differences, lost
from sightline.checkpoints.folder import read_folder
from sightline.checkpoints.layouts import LAYOUTS, model_of
from sightline.checkpoints.shared_folder import said_otherwise
from sightline.checkpoints.tokenizer_facts import is_clip_s_own
from sightline.checkpoints.writing import write_model
from sightline.errors import CheckpointError
from sightline.spec import Spec
from sightline.spec.architectures import CLIP_WORDS

WIDEST = ("sightline", "openclip")  # what to offer: these say most

# transformers 5.23 asks for sentencepiece and its file, whatever tokenizer.json is there.
NO_PIECES = (
    "AutoTokenizer of transformers makes a SiglipTokenizer of spiece.model only, which is not "
    "written: put the model's own beside tokenizer.json to tokenize there"
)


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversion did."""

    layout: str
    tensors: int
    remarks: tuple[str, ...]  # in which the other library has a rule of its own


def convert(
    checkpoint: Checkpoint,
    folder: str | Path,
    layout: str,
    *,
    replace: bool = False,
    seal: Callable[[Path], object] = lambda written: None,
) -> Converted:
    """Write a checkpoint in another layout: what was written is read again before it counts.

    Every tensor has the digest that it had, half precision stays half, and what the new files say
    of the model is what the old ones said. The card comes along.

    Args:
        checkpoint: What to convert.
        folder: Where: a new folder, or an empty one.
        layout: "sightline", "huggingface", "openclip" or "openai".
        replace: Whether a model folder that is there may go; one with anything else in it may not.
        seal: Handed what was written before it is put in place, as `read` takes it:
            `verify.write_canaries`, for a model that can later tell whether it is still itself.

    Raises:
        CheckpointError: The layout cannot say what this model is (names the fields), a place that
            is taken, a full disk.
        RuntimeUnavailable: "openai" needs torch.
    """
    if layout not in LAYOUTS:
        raise CheckpointError(f"layout {layout!r} is none of {', '.join(LAYOUTS)}")
    folder = Path(folder)
    check_free(checkpoint, folder, replace=replace)
    remarks: list[str] = []

    def check(draft: Path) -> None:
        """Read what was written, compare, and seal it."""
        remarks.extend(_remarks(checkpoint, draft, layout))
        seal(draft)

    write_model(folder, model_of(checkpoint), LAYOUTS[layout], check)
    return Converted(layout=layout, tensors=len(checkpoint.weights), remarks=tuple(remarks))


def check_free(checkpoint: Checkpoint, folder: Path, *, replace: bool) -> None:
    """Refuse a place where something is, and always the one that is read from.

    Raises:
        CheckpointError: It names the place.
    """
    if folder.exists() and folder.resolve() == checkpoint.folder.resolve():
        raise CheckpointError(f"{folder} is the model that is converted: choose another place")
    if not replace and folder.is_dir() and any(folder.iterdir()):
        raise CheckpointError(
            f"{folder} is not empty: choose another place, or allow a model folder to be replaced "
            "(--replace)"
        )


def _remarks(checkpoint: Checkpoint, draft: Path, layout: str) -> list[str]:
    """Return in what the written model differs within what a library may decide.

    Raises:
        CheckpointError: It differs in anything else.
    """
    try:
        written = read_folder(draft)
    except CheckpointError as error:
        reason = str(error).replace(f"{draft}/", "")
        raise CheckpointError(f"{layout} layout cannot be this model: {reason}") from error
    other = lost(_as_named(checkpoint, written.spec), written.spec)
    if other:
        offers = " or ".join(repr(one) for one in WIDEST if one != layout)
        raise CheckpointError(
            f"{layout} layout cannot be this model, it would be read with {'; '.join(other)}: "
            f"convert to {offers}"
        )
    weights = checkpoint.weights
    changed = [name for name in weights if written.weights.digest(name) != weights.digest(name)]
    if changed or weights.keys() != written.weights.keys():
        raise CheckpointError(f"{layout} layout changed {len(changed)} tensors: nothing is kept")
    if layout == "sightline":
        return list(said_otherwise(written))
    said = [f"{layout} files say {one}" for one in differences(checkpoint.spec, written.spec)]
    if layout == "huggingface" and written.spec.words.tokenizer == "file":
        said.append(NO_PIECES)
    return said


def _as_named(checkpoint: Checkpoint, written: Spec) -> Spec:
    """Return the spec, its tokenizer under the name that was written where the file is CLIP's own.

    Such a file lower-cases by itself: without a file it is the cleaning that does.
    """
    words, file = checkpoint.spec.words, checkpoint.tokenizer_file
    renamed = (words.tokenizer, written.words.tokenizer) == ("file", "clip")
    if not (renamed and file is not None and is_clip_s_own(file)):
        return checkpoint.spec
    clean = CLIP_WORDS.clean if words.clean == "whitespace" else words.clean
    named = msgspec.structs.replace(words, tokenizer="clip", clean=clean)
    return msgspec.structs.replace(checkpoint.spec, words=named)
