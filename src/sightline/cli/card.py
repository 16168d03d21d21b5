"""`sightline card`: write a model's card from its results, or check the one it has."""

from pathlib import Path

import click

from sightline.cli.opening import opened
from sightline.cli.options import model_argument
from sightline.errors import DataError

CARD = "README.md"


@click.command(short_help="Write a model's card from its results, or check it.")
@model_argument
@click.option(
    "--results",
    "result_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="From `sightline evaluate --out`; may be repeated.  [default: results.json in MODEL]",
)
@click.option(
    "--facts",
    "facts_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Data, terms, recipe and limits, as TOML.  [default: facts.toml in MODEL]",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where the card differs.")
def command(
    model: str, result_files: tuple[Path, ...], facts_file: Path | None, check: bool
) -> int:
    """Write README.md of MODEL (a model folder, or `bundled`), with every figure from results.

    Example: sightline card bundled --facts recipes/bundled-card.toml --check
    """
    from sightline.evaluate.card import SHEET, card, first_difference
    from sightline.evaluate.facts import read_facts
    from sightline.evaluate.result import read_results, write_whole
    from sightline.evaluate.shown import sheet_of, shown_mistakes

    checkpoint = opened(model)
    facts_file = facts_file or checkpoint.folder / "facts.toml"
    facts = read_facts(facts_file)
    files = result_files or (checkpoint.folder / "results.json",)
    results = [result for file in files for result in read_results(file)]
    made = card(checkpoint, results, facts)
    place = checkpoint.folder / CARD
    if check:
        difference = first_difference(_read(place), made)
        click.echo(f"{place}: {difference or 'every figure is that of its results'}")
        return 1 if difference else 0
    shown = () if facts.pictures is None else shown_mistakes(results, facts.pictures)
    if facts.pictures is not None and shown:
        folder = facts_file.parent / facts.pictures.folder
        write_whole(checkpoint.folder / SHEET, sheet_of(shown, folder))
    write_whole(place, made.encode())
    click.echo(f"wrote {place}")
    return 0


def _read(place: Path) -> str:
    """Read the card that is there."""
    try:
        return place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{place} cannot be read ({error}): write it without --check") from error
