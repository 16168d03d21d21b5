"""Write the reference pages from the code itself: `make docs`. Enter at `PAGES`."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

import click
import msgspec

from sightline.cli.main import group
from sightline.spec.architectures import ARCHITECTURES, OTHER_PIXELS, REFUSED, architecture

FOLDER = Path(__file__).parent
PACKAGES = {
    "sightline": "the names that most people need; `import sightline` gives them all",
    "sightline.spec": "what a model is, as data",
    "sightline.spec.architectures": "the papers' architectures by their names",
    "sightline.model": "the network itself (extra `torch`)",
    "sightline.tensors": "tensors as they lie in files",
    "sightline.checkpoints": "models read and written, ours and other libraries'",
    "sightline.checkpoints.names": "each layout's names of tensors and ours",
    "sightline.checkpoints.huggingface": "what transformers writes, as a spec and back",
    "sightline.checkpoints.openclip": "what OpenCLIP writes, as a spec and back",
    "sightline.hub": "names of published checkpoints, fetched and verified",
    "sightline.runtime": "what runs the towers, and the graphs that ONNX Runtime runs",
    "sightline.images": "any picture as upright RGB",
    "sightline.scoring": "from vectors to meaning",
    "sightline.embedder": "from pictures and texts to vectors",
    "sightline.data": "examples from folders, tables and shards",
    "sightline.measure": "a model's speed and memory on this machine",
    "sightline.evaluate": "figures with intervals",
    "sightline.verify": "is a model still what was written, and may other towers stand for it?",
    "sightline.export": "a model as a folder that runs where Sightline is not",
    "sightline.train": "pretraining (extra `train`)",
}


def first_line(value: object) -> str:
    """Return what a name is for: its docstring's first line, or its kind."""
    if inspect.isclass(value) or inspect.isfunction(value):
        return (inspect.getdoc(value) or "").partition("\n")[0]
    if isinstance(value, msgspec.Struct):
        return "A row of data."
    return "A table of data." if isinstance(value, Mapping) else "A type for signatures."


def api_page() -> str:
    """Write a table of public names for each package."""
    return "\n".join(["# Public names", "", "Written by `make docs`.", *_api_lines(), ""])


def _api_lines() -> Iterator[str]:
    for package, purpose in PACKAGES.items():
        module = import_module(package)
        yield from ("", f"## `{package}`", "", f"{purpose[0].upper()}{purpose[1:]}.", "")
        yield from ("| name | what it is |", "|---|---|")
        for name in sorted(module.__all__, key=str.lower):
            yield f"| `{name}` | {first_line(getattr(module, name)).replace('|', '∣')} |"


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Find every command with what a user types to reach it."""
    top = click.Context(group, info_name="sightline", **group.context_settings)
    yield "sightline", group, top
    yield from _below("sightline", group, top)


def _below(
    typed: str, parent: click.Group, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in parent.list_commands(context):
        command = parent.get_command(context, name)
        assert command is not None, name
        under = click.Context(command, info_name=name, parent=context)
        yield f"{typed} {name}", command, under
        if isinstance(command, click.Group):
            yield from _below(f"{typed} {name}", command, under)


def commands_page() -> str:
    """Write every command's help."""
    lines = ["# Commands", "", "Written by `make docs` from the commands' own help."]
    for typed, command, context in commands():
        context.terminal_width = 100
        shown = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        lines += ["", f"## `{typed}`", "", "```text", shown, "```"]
    return "\n".join([*lines, ""])


def architectures_page() -> str:
    """Write what each name of an architecture means, and why some are refused."""
    return "\n".join([*_named_lines(), *_refused_lines(), ""])


def _named_lines() -> Iterator[str]:
    yield from ("# Architectures", "", "Written by `make docs` from the table.", "")
    yield "What OpenCLIP calls its models, for a file of weights that does not say what it is"
    yield "(`--architecture NAME`). Means are of each channel, on a scale of 0 to 1."
    yield from ("", "| name | pictures | mean | tokenizer |", "|---|---|---|---|")
    tagged = [f"{name}/{tag}" for name, tags in OTHER_PIXELS.items() for tag in tags]
    for name in (*ARCHITECTURES, *tagged):
        pixels, words = architecture(name).pixels, architecture(name).words
        pictures = f"{pixels.size_px} px, {pixels.resize}, {pixels.filter}"
        mean = ", ".join(f"{one:.3g}" for one in pixels.mean)
        source = "CLIP's own" if words.tokenizer == "clip" else "a `tokenizer.json` beside it"
        yield f"| `{name}` | {pictures} | {mean} | {source}, {words.context_length} ids |"


def _refused_lines() -> Iterator[str]:
    yield from ("", "## Refused", "", "| name | why |", "|---|---|")
    for name, reason in REFUSED.items():
        yield f"| `{name}` | {reason} |"


PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": api_page,
    "architectures.md": architectures_page,
    "commands.md": commands_page,
}

if __name__ == "__main__":
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8")
