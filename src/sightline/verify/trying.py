"""Which field is wrong? Change few of them until what is known comes out. Enter at `variants`."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from sightline.errors import SpecError
from sightline.verify.findings import shown

Part = TypeVar("Part", bound=msgspec.Struct)
Alternatives = Mapping[str, Sequence[Any]]  # field → values that it may have


def choices(kind: type[msgspec.Struct], *fields: str) -> dict[str, tuple[Any, ...]]:
    """Return every value that each of these fields may have: all are a choice or yes and no."""
    hints = get_type_hints(kind)
    return {
        name: get_args(hints[name]) if get_origin(hints[name]) is Literal else (False, True)
        for name in fields
    }


def variants(part: Part, alternatives: Alternatives, *, most: int) -> Iterator[Part]:
    """Yield a part as it is, then with one field changed, then with two, up to `most`.

    What does not hold together is left out.
    """
    for changed in _sets_of_changes(alternatives, most):
        if any(getattr(part, name) == value for name, value in changed.items()):
            continue
        try:
            made = msgspec.structs.replace(part, **changed)
        except SpecError:
            continue
        yield made


def _sets_of_changes(alternatives: Alternatives, most: int) -> Iterator[dict[str, Any]]:
    """Yield no change, then each single one, then each pair, up to `most`."""
    for count in range(most + 1):
        for fields in combinations(alternatives, count):
            for values in product(*(alternatives[name] for name in fields)):
                yield dict(zip(fields, values, strict=True))


def unlike(now: Any, then: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (field, value now, value then) wherever two JSON documents differ."""
    if not (isinstance(now, dict) and isinstance(then, dict)):
        if now != then:
            yield where, now, then
        return
    if now.get("kind") != then.get("kind"):  # of another kind all else differs as well
        yield _join(where, "kind"), now.get("kind"), then.get("kind")
        return
    for key in sorted(now.keys() | then.keys()):
        yield from unlike(now.get(key), then.get(key), _join(where, key))


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def changes(now: msgspec.Struct, then: msgspec.Struct, where: str) -> list[tuple[str, Any, Any]]:
    """Return the same of two structs of one part of a spec."""
    one, other = (msgspec.json.decode(msgspec.json.encode(each)) for each in (now, then))
    return list(unlike(one, other, where))


def remedy(found: Sequence[tuple[str, Any, Any]]) -> str:
    """Say what has to be changed back: "pixels.filter 'bicubic' instead of 'bilinear'"."""
    fields = (f"{name} {shown(then)} instead of {shown(now)}" for name, now, then in found)
    return " and ".join(fields)
