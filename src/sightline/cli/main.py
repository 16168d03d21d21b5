"""The group of all verbs, and how an error becomes an exit code. Enter at `exit_code`."""

import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from inspect import cleandoc
from typing import TextIO

import click

from sightline.cli.table import printable
from sightline.cli.verbs import GROUPS, VERBS
from sightline.errors import SightlineError

_LONGEST = 1500  # characters of a sentence: a stranger's file may have names of any length
_NO_MEMORY = (
    "there is not enough memory for this: take a smaller model or fewer pictures at once, or close "
    "other programs"
)
# How ONNX Runtime and torch say it, whose errors are of no class of their own.
_ALLOCATION = re.compile("allocate memory|out of memory|not enough memory|bad_?alloc", re.I)


@dataclass
class Session:
    """What the terminal user asked of every verb."""

    debug: bool = False


def _set_debug(context: click.Context, _option: click.Parameter, value: bool) -> None:
    """Remember `--debug`, which may stand before or after the verb."""
    session = context.find_object(Session)
    if value and session is not None:
        session.debug = True
        logging.getLogger().setLevel(logging.DEBUG)
        warnings.simplefilter("default")


def _debug_option() -> click.Option:
    """Make the option that every verb has."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        callback=_set_debug,
        help="Show where an error came from.",
    )


class LazyGroup(click.Group):
    """A group whose verbs are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        found: click.Command = import_module(VERBS[cmd_name].module).command
        return _completed(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest verb where there is none of this name."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see sightline --help"
            raise click.UsageError(f"there is no verb {args[0]!r}: {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of verbs by group, without importing any."""
        for title, rows in GROUPS.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl([(name, row.help) for name, row in rows.items()])


def _completed(command: click.Command) -> click.Command:
    """Give a verb, and the verbs under it, what all have: `--debug`, and the example at the end."""
    if not any(parameter.name == "debug" for parameter in command.params):
        command.params.append(_debug_option())
    text, mark, example = cleandoc(command.help or "").partition("\n\nExample:")
    if mark:
        command.help, command.epilog = text, mark.lstrip() + example
    if isinstance(command, click.Group):
        for under in command.commands.values():
            _completed(under)
    return command


def _print_version(context: click.Context, _option: click.Parameter, value: bool) -> None:
    """Print the installed version and stop."""
    if value:
        from importlib.metadata import version

        click.echo(f"sightline {version('sightline')}")
        context.exit()


group = LazyGroup(
    name="sightline",
    subcommand_metavar="VERB ...",
    help="One model that knows pictures and words: look, search, train, measure.",
    epilog="Example: sightline classify photo.jpg --labels 'cat,dog'",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version and stop.",
        ),
        _debug_option(),
    ],
)


def exit_code(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; print errors as one sentence on stderr."""
    _prepare_streams()
    session = Session()
    try:
        code = _invoke(arguments, session)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        _abandon(sys.stdout)
        return 0
    except (KeyboardInterrupt, click.Abort):
        return _report("interrupted", 130, session)
    except click.ClickException as error:
        error.show()
        return 2
    except SightlineError as error:
        return _report(f"error: {error}", error.exit_code, session)
    except OSError as error:
        return _report(f"error: {error}", 4, session)
    except Exception as error:
        if _is_out_of_memory(error):
            return _report(f"error: {_NO_MEMORY}", 4, session)
        fault = f"{type(error).__name__}: {error}"
        hint = "" if session.debug else " (--debug shows where)"
        return _report(f"error: a fault in Sightline itself, {fault}{hint}", 4, session)


def _is_out_of_memory(error: Exception) -> bool:
    """Tell whether memory is all that was missing."""
    return isinstance(error, MemoryError) or _ALLOCATION.search(str(error)) is not None


def _invoke(arguments: Sequence[str], session: Session) -> int:
    """Parse and call; a verb may return its code or exit with it."""
    # `make_context` and `invoke`, not `main`: that one turns a closed pipe into exit code 1.
    try:
        with group.make_context("sightline", list(arguments), obj=session) as context:
            result = group.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    return result if isinstance(result, int) else 0


def _report(sentence: str, code: int, session: Session) -> int:
    """Print one sentence on stderr, after the traceback if it was asked for."""
    if session.debug:
        traceback.print_exc()
    shown = sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}…"
    click.echo(f"sightline: {printable(shown)}", err=True)
    return code


def _prepare_streams() -> None:
    """Make printing never fail on a file name, and keep libraries' remarks for `--debug`."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller, as by `>&-` in a shell
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    warnings.simplefilter("ignore")


def _abandon(stream: TextIO) -> None:
    """Let nothing be written to a closed pipe when Python flushes at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # a stream without a file behind it
        return
