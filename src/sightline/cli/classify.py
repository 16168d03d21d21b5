"""`sightline classify`: which of these labels fits each picture best. Enter at `command`."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sightline.cli.answers import Answer, ClassifyTable, CsvAnswer, JsonAnswer
from sightline.cli.opening import ready
from sightline.cli.options import (
    Format,
    Jpegs,
    LongTexts,
    architecture_option,
    chosen_format,
    csv_option,
    image_paths,
    jpegs_option,
    json_option,
    long_texts_option,
    model_option,
    precision_option,
    refuse_blank,
    runtime_option,
    say_what_is_long,
)
from sightline.cli.pictures import Tally, find_pictures
from sightline.cli.progress import Progress
from sightline.cli.table import printable
from sightline.errors import TextError

if TYPE_CHECKING:
    from sightline.embedder import Embedder
    from sightline.scoring import Class, ZeroShotHead

_RUNNERS_UP = 2
_LIKE_A_PATH = re.compile(r"[/\\]|\.\w+$")  # a separator, or an ending as of a file's name


@click.command(short_help="Which of these labels fits each picture best?")
@image_paths
@click.option(
    "--labels",
    required=True,
    metavar="LIST|FILE|FOLDER",
    help="Labels with commas between them; or a file with one a line (`name = alias | alias`, or "
    "JSON {name: [prompts]}); or a folder whose sub-folders are named after them. What exists as a "
    "file or folder is read as one.",
)
@click.option(
    "--template",
    "own_templates",
    multiple=True,
    help="A sentence with {} where the label goes; may be repeated.  [default: the model's own]",
)
@click.option(
    "--templates",
    "named_templates",
    metavar="NAME",
    help="A set of templates: plain, photo, imagenet7 or imagenet80.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    help="Labels shown for each picture.  [default: 3 in the table, all in --json and --csv]",
)
@long_texts_option
@model_option
@architecture_option
@runtime_option
@precision_option
@jpegs_option
@json_option
@csv_option
def command(
    paths: tuple[str, ...],
    labels: str,
    own_templates: tuple[str, ...],
    named_templates: str | None,
    top: int | None,
    long_texts: LongTexts,
    model: str,
    architecture: str | None,
    runtime: str,
    precision: str,
    jpegs: Jpegs,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Say which of these labels fits each picture best.

    PATHS are pictures, folders, globs, or - to read names from standard input.

    Example: sightline classify photo.jpg --labels 'cat,dog'
    """
    output = chosen_format(as_json=as_json, as_csv=as_csv)
    if own_templates and named_templates:
        raise click.UsageError("--template and --templates exclude each other: give one")
    templates = own_templates or named_templates
    classes = read_classes(labels)
    from sightline.embedder import Skipped

    embedder = ready(model, architecture, runtime=runtime, precision=precision, jpegs=jpegs)
    head = _head(embedder, classes, templates, long_texts)
    if len(classes) == 1 and head.calibration is None and head.head.kind == "softmax":
        _say("one label alone always gets the whole share: give others beside it")
    shown = top or (len(classes) if output != "table" else 1 + _RUNNERS_UP)
    with Progress("pictures") as progress:
        answer = _FORMATS[output](progress.clear)
        tally = Tally(progress.clear, listed=output == "table")
        for path, found in embedder.stream(find_pictures(paths)):
            progress.advance()
            if isinstance(found, Skipped):
                tally.skip(path, found.reason)
                answer.add_error(path, found.reason)
                continue
            result = head.classify(found[None])
            tally.done += 1
            none = None if result.none is None else float(result.none[0])
            answer.add(path, result.top(shown)[0], none)
        answer.finish()
    if tally.done and output == "table":
        click.echo(_meaning(head), err=True)
    return tally.finish()


def _head(
    embedder: "Embedder",
    classes: "Sequence[Class]",
    templates: Sequence[str] | str | None,
    long_texts: LongTexts,
) -> "ZeroShotHead":
    """Turn labels into vectors; where a prompt is long, say which and what becomes of it."""
    try:
        return embedder.zero_shot(classes, templates=templates)
    except TextError:  # one is long, perhaps: vectors that are kept are found without counting
        prompts = embedder.prompts(classes, templates=templates)
        say_what_is_long(prompts, embedder.words, long_texts)
        return embedder.zero_shot(classes, templates=templates, long=long_texts)


def read_classes(labels: str) -> "tuple[Class, ...]":
    """Read `--labels`: a folder or a file that exists, else a list with commas.

    Where the words could be meant either way, what they were taken for is said on stderr.

    Raises:
        click.UsageError: Nothing was given, or a path to nothing.
    """
    refuse_blank("--labels", labels, "give names with commas between them, a file or a folder")
    from sightline.scoring import as_classes, read_labels
    from sightline.scoring.label_files import parse_class

    path = Path(labels)
    try:
        exists = path.exists()
    except (OSError, ValueError):  # a list may be longer than any file's name
        exists = False
    is_list, like_a_path = "," in labels, _LIKE_A_PATH.search(labels) is not None
    if exists:
        if is_list or not like_a_path:
            kind = "folder" if path.is_dir() else "file"
            _say(f"--labels {labels!r} is read as the {kind} of that name, not as a list")
        return read_labels(path)
    if like_a_path and not is_list:
        raise click.UsageError(f"label file {labels!r} does not exist: check the path")
    classes = as_classes([parse_class(part) for part in labels.split(",") if part.strip()])
    if len(classes) == 1:
        _say(f"--labels {labels!r} is no file or folder, so it is the one label")
    return classes


def _say(sentence: str) -> None:
    """Print a remark beside the answers."""
    click.echo(printable(sentence), err=True)


def _meaning(head: "ZeroShotHead") -> str:
    """Say in one line what the numbers above are, and are not."""
    if head.calibration is not None:
        return f"probabilities, calibrated on {head.calibration.fitted_on}"
    if head.head.kind == "sigmoid":
        return (
            "a probability for each label by itself, as the model was trained to give it, so they "
            "need not add up to one (no calibration)"
        )
    return "shares among the labels given, not probabilities that a label is right (no calibration)"


_FORMATS: dict[Format, Callable[[Callable[[], None]], Answer]] = {
    "table": ClassifyTable,
    "json": JsonAnswer,
    "csv": CsvAnswer,
}
