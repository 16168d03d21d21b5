"""`sightline similarity`: how close each picture is to each text. Enter at `command`."""

from collections.abc import Callable, Sequence

import click

from sightline.cli.answers import Answer, CsvAnswer, JsonAnswer
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
from sightline.cli.table import Column, Table, printable, terminal_width

_PATH_WIDTH = 36
_TEXT_WIDTH = 24
_MEANING = (
    "cosines between -1 and 1: compare them with each other, not with 1 (a good match of picture "
    "and text is often near 0.3)"
)


@click.command(short_help="How close is each picture to each text?")
@image_paths
@click.option(
    "--text", "texts", multiple=True, required=True, help="A text; may be repeated, used as it is."
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
    texts: tuple[str, ...],
    long_texts: LongTexts,
    model: str,
    architecture: str | None,
    runtime: str,
    precision: str,
    jpegs: Jpegs,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Print the cosine of each picture with each text.

    PATHS are pictures, folders, globs, or - to read names from standard input.

    Example: sightline similarity photo.jpg --text 'a cat' --text 'a dog'
    """
    output = chosen_format(as_json=as_json, as_csv=as_csv)
    for text in texts:
        refuse_blank("--text", text, "give words to compare the pictures with")
    from sightline.embedder import Skipped
    from sightline.scoring import similarity

    texts = tuple(dict.fromkeys(texts))
    embedder = ready(model, architecture, runtime=runtime, precision=precision, jpegs=jpegs)
    say_what_is_long(texts, embedder.words, long_texts)
    vectors = embedder.embed_texts(texts, long=long_texts)
    with Progress("pictures") as progress:
        answer = _open_answer(output, texts, progress.clear)
        tally = Tally(progress.clear, listed=output == "table")
        for path, found in embedder.stream(find_pictures(paths)):
            progress.advance()
            if isinstance(found, Skipped):
                tally.skip(path, found.reason)
                answer.add_error(path, found.reason)
                continue
            tally.done += 1
            cosines = similarity(found[None], vectors)[0].tolist()
            answer.add(path, list(zip(texts, cosines, strict=True)), None)
        answer.finish()
    if tally.done and output == "table":
        click.echo(_MEANING, err=True)
    return tally.finish()


def _open_answer(output: Format, texts: Sequence[str], before: Callable[[], None]) -> Answer:
    """Begin the output in its format."""
    if output == "json":
        return JsonAnswer(before)
    return CsvAnswer(before) if output == "csv" else SimilarityTable(texts, before)


class SimilarityTable:
    """One row a picture, one column a text; numbers head the columns where texts do not fit."""

    def __init__(self, texts: Sequence[str], before: Callable[[], None]) -> None:
        titles = [printable(text) for text in texts]
        room = terminal_width() - _PATH_WIDTH - 2
        if sum(max(6, min(len(title), _TEXT_WIDTH)) + 2 for title in titles) > room:
            before()
            for number, title in enumerate(titles, start=1):
                click.echo(f"({number}) {title}")
            titles = [f"({number})" for number in range(1, len(titles) + 1)]
        first = Column("picture", cut="folders", widest=_PATH_WIDTH)
        columns = [Column(title, align="right", widest=_TEXT_WIDTH) for title in titles]
        self._table = Table([first, *columns], before)

    def add(self, path: str, ranked: Sequence[tuple[str, float]], none: float | None) -> None:
        """Draw the cosines in the order of the texts."""
        self._table.add((path, *(f"{cosine:.3f}" for _, cosine in ranked)))

    def add_error(self, path: str, reason: str) -> None:
        """Leave it to the list on stderr."""

    def finish(self) -> None:
        """Draw what was held back."""
        self._table.finish()
