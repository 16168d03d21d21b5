r"""Labels from a file or a folder. Enter at `read_labels`.

A text file has one class a line; empty lines and lines that begin with `#` are passed over. A line
is a name, or a name with other words for the same class:

    # pets
    cat = kitten | tabby
    dog

A JSON file is a list of names, or an object from each name to its whole prompts, which then replace
both the name and the templates:

    {"cat": ["a cat asleep", "a photo of a kitten"], "dog": ["a photo of a dog"]}

A folder gives the names of its sub-folders, with `_` read as a space.
"""

import json
from pathlib import Path

from sightline.errors import TextError
from sightline.scoring.classes import Class, as_classes


def read_labels(path: Path) -> tuple[Class, ...]:
    """Read the classes of a label file, or of a folder with one sub-folder a class.

    Raises:
        TextError: Not readable, not in the format (with the line), empty, or a name given twice.
    """
    if path.is_dir():
        return _folder_labels(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TextError(
            f"label file {path} is not UTF-8 text (byte {error.start}): save it as UTF-8"
        ) from error
    except OSError as error:
        raise TextError(f"label file {path} cannot be read: {error.strerror}") from error
    if text.lstrip().startswith(("{", "[")):
        return _json_labels(text, path)
    return _line_labels(text, path)


def parse_class(text: str) -> Class:
    """Read one class as a label file writes it: `name`, or `name = alias | alias`.

    Raises:
        TextError: The name or an alias is empty.

    Example:
        >>> parse_class("cat = kitten | tabby").aliases
        ('kitten', 'tabby')
    """
    name, equals, rest = text.partition("=")
    aliases = tuple(alias.strip() for alias in rest.split("|")) if equals else ()
    return Class(name.strip(), aliases=aliases)


def folder_label(name: str) -> str:
    """Return the label that a class folder's name stands for: `_` is read as a space.

    Example:
        >>> folder_label("polar_bear")
        'polar bear'
    """
    return name.replace("_", " ").strip() or name


def _line_labels(text: str, path: Path) -> tuple[Class, ...]:
    """Read one class a line, so that an error can say which line."""
    found: dict[str, tuple[int, Class]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            one = parse_class(line)
        except TextError as error:
            raise TextError(f"label file {path}, line {number}: {error}") from error
        if one.name in found:
            raise TextError(
                f"label file {path}, line {number}: label {one.name!r} was given on line "
                f"{found[one.name][0]}: give each label once"
            )
        found[one.name] = (number, one)
    if not found:
        raise TextError(f"label file {path} has no labels: write one a line")
    return tuple(one for _, one in found.values())


def _refuse_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a repeated JSON key, of which Python would silently keep the last."""
    named: dict[str, object] = {}
    for name, value in pairs:
        if name in named:
            raise TextError(f"label {name!r} is given twice: give each label once")
        named[name] = value
    return named


def _json_labels(text: str, path: Path) -> tuple[Class, ...]:
    """Read a JSON list of names, or an object from name to prompts."""
    try:
        loaded = json.loads(text, object_pairs_hook=_refuse_twins)
    except json.JSONDecodeError as error:
        raise TextError(
            f"label file {path}, line {error.lineno}: not JSON ({error.msg}): correct it"
        ) from error
    except TextError as error:
        raise TextError(f"label file {path}: {error}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, deep nesting
        raise TextError(f"label file {path} is no list of names ({error}): correct it") from error
    entries = loaded.values() if isinstance(loaded, dict) else [loaded]
    if not all(isinstance(e, list) and all(isinstance(text, str) for text in e) for e in entries):
        raise TextError(
            f"label file {path} is neither a list of names nor an object from name to a list of "
            "prompts: write it as one of them"
        )
    try:
        return as_classes(loaded)
    except TextError as error:
        raise TextError(f"label file {path}: {error}") from error


def _folder_labels(folder: Path) -> tuple[Class, ...]:
    """Read the names of the sub-folders that are not hidden, in order."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    except OSError as error:
        raise TextError(f"label folder {folder} cannot be read: {error.strerror}") from error
    shown = [folder_label(name) for name in names if not name.startswith(".")]
    if not shown:
        raise TextError(
            f"label folder {folder} has no sub-folders: give a folder with one sub-folder a class"
        )
    try:
        return as_classes(shown)
    except TextError as error:
        raise TextError(f"label folder {folder}: {error}") from error
