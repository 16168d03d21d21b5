"""From what stands beside a picture to its texts, label and group. Enter at `read_json`."""

from collections.abc import Mapping, Sequence

import msgspec

from sightline.settings import MAX_TEXT_CHARACTERS

MAX_RECORD_BYTES = 4 * MAX_TEXT_CHARACTERS  # UTF-8: at most four bytes a character


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """All that a record says about its picture."""

    texts: tuple[str, ...] = ()
    label: str | None = None
    group: Mapping[str, str] = {}
    source: str | None = None


class _Json(msgspec.Struct, frozen=True):
    """`KEY.json`. Other fields are left alone: img2dataset writes a dozen of its own."""

    captions: list[str] | str | None = None
    caption: str | None = None  # img2dataset's
    label: str | int | None = None
    source: str | None = None
    group: dict[str, str | int | float | bool | None] | None = None


def read_json(content: bytes, class_names: Sequence[str] = ()) -> Words:
    """Read `{captions, label, source, group}`.

    Raises:
        ValueError: It is not such a record; the message says where.
    """
    try:
        record = msgspec.json.decode(content, type=_Json)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"its JSON does not hold ({error})") from error
    captions = [record.captions] if isinstance(record.captions, str) else record.captions or []
    if not captions and record.caption is not None:
        captions = [record.caption]
    label = None if record.label is None else name_class(str(record.label), class_names)
    return Words(
        texts=tidy(captions),
        label=label or None,
        group=as_group(record.group or {}),
        source=record.source,
    )


def read_text(content: bytes) -> str:
    """Read a caption or a class as UTF-8.

    Raises:
        ValueError: It is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"its text is not UTF-8 (byte {error.start})") from error


def name_class(label: str, class_names: Sequence[str]) -> str:
    """Turn the number of a class into its name, where the set comes with a list of names.

    Raises:
        ValueError: The number is beyond the list.
    """
    label = label.strip()
    if not class_names or not (label.isascii() and label.isdigit()):
        return label
    if len(label) > 9 or int(label) >= len(class_names):
        raise ValueError(f"its class {label} is beyond the {len(class_names)} in classnames.txt")
    return class_names[int(label)]


def as_group(fields: Mapping[str, object]) -> dict[str, str]:
    """Write group values as text: a group is compared, never computed with."""
    return {str(field): str(value) for field, value in fields.items() if value is not None}


def tidy(captions: Sequence[str]) -> tuple[str, ...]:
    """Drop empty captions and the spaces around the others; order and repeats stay."""
    return tuple(stripped for caption in captions if (stripped := caption.strip()))


def join(parts: Sequence[Words]) -> Words:
    """Join what several files say about one picture; an earlier one wins where one value fits.

    Raises:
        ValueError: Two labels contradict each other.
    """
    labels = dict.fromkeys(part.label for part in parts if part.label)
    if len(labels) > 1:
        raise ValueError(f"it has two labels ({', '.join(map(repr, labels))})")
    label = next(iter(labels), None)
    texts: list[str] = []
    for part in parts:  # a caption said in two files is one; repeats inside a file are the data's
        known = frozenset(texts)
        texts += [text for text in part.texts if text not in known]
    return Words(
        texts=tuple(texts) or ((label,) if label else ()),
        label=label,
        group={field: value for part in reversed(parts) for field, value in part.group.items()},
        source=next((part.source for part in parts if part.source), None),
    )
