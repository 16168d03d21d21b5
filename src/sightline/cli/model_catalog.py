"""`sightline models list` and `pull`: published checkpoints by name."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from sightline.cli.opening import opened
from sightline.cli.options import json_option
from sightline.cli.table import Column, Table, fit, printable

if TYPE_CHECKING:
    from sightline.hub import Entry

IMAGENET = "imagenet1k_top1"
LONGEST = 100  # columns of a licence; a longer text is none


@click.command("list", short_help="Which published checkpoints are known by name?")
@click.argument("words", nargs=-1)
@click.option("--here", is_flag=True, help="Those that were fetched before.")
@json_option
def list_models(words: tuple[str, ...], here: bool, as_json: bool) -> int:
    """List published checkpoints; WORDS, where given, all stand in a name, family or licence.

    Licence and figures are those of the pages that the catalog names (--json has them all), not
    measured here. Nothing is asked of the network.

    Example: sightline models list siglip
    """
    from sightline.hub import catalog

    chosen = [one for one in catalog() if all(_mentions(one, word) for word in words)]
    if here:
        chosen = [one for one in chosen if _is_here(one)]
    if as_json:
        _print_json(chosen)
    elif chosen:
        _draw(chosen)
    else:
        click.echo("no checkpoint of the catalog is like this", err=True)
    return 0 if chosen else 1


@click.command(short_help="Fetch a published checkpoint, verify it, keep it.")
@click.argument("name")
def pull(name: str) -> int:
    """Fetch NAME, so that everything else works without a network afterwards.

    NAME is one of `sightline models list`, or hf-hub:ORGANISATION/NAME. The licence is shown before
    the first byte; what was cut goes on where it was; every file is compared with its digest.

    Example: sightline models pull ViT-B-32/laion2b_s34b_b79k
    """
    found = opened(name)
    folder, license = printable(str(found.folder)), _brief(found.license)
    click.echo(f"{folder}: {found.layout} layout, licence {license}")
    return 0


def _brief(license: str) -> str:
    """Show a stranger's words so that they do nothing to a terminal and fill no screen."""
    return fit(printable(license[: LONGEST + 1]), LONGEST, Column("")).rstrip()


def _mentions(entry: "Entry", word: str) -> bool:
    """Tell whether a word stands in what identifies an entry."""
    texts = (entry.name, *entry.aliases, entry.family, entry.license or "")
    return any(word.casefold() in text.casefold() for text in texts)


def _is_here(entry: "Entry") -> bool:
    """Tell whether an entry was fetched before."""
    from sightline.hub import cached

    return cached(entry) is not None


def _draw(chosen: "Sequence[Entry]") -> None:
    """Draw a row for each, and say below what cannot be loaded."""
    columns = (
        Column("name", widest=44, style="bold"),
        Column("family", widest=14),
        Column("ImageNet", align="right"),
        Column("licence", widest=27),
        Column(""),
    )
    table = Table(columns, before=lambda: None)
    for row in _rows(chosen):
        table.add(row)
    table.finish()
    refused = sum(one.refusal is not None for one in chosen)
    if refused:
        click.echo(f"--json says why {refused} of these cannot be loaded", err=True)


def _rows(chosen: "Sequence[Entry]") -> Iterator[tuple[str, ...]]:
    """Yield the cells of each entry."""
    for one in chosen:
        figure = one.zero_shot.get(IMAGENET)
        percent = "" if figure is None else f"{figure:.1f} %"
        state = "cannot be loaded" if one.refusal else "fetched" if _is_here(one) else ""
        yield one.name, one.family, percent, one.license or "not known", state


def _print_json(chosen: "Sequence[Entry]") -> None:
    """Print all that the catalog knows, one entry a line."""
    import msgspec

    for one in chosen:
        click.echo(msgspec.json.encode({**msgspec.to_builtins(one), "here": _is_here(one)}))
