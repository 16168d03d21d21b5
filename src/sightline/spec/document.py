"""A spec as JSON and back, strictly. Enter at `spec_to_json` or `spec_from_json`."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.inspect import (
    FloatType,
    LiteralType,
    StructType,
    TupleType,
    Type,
    UnionType,
    type_info,
)

from sightline.errors import SpecError
from sightline.spec.towers import Spec

VERSION = 1  # of the document; raised when a field is added, renamed or means something else


def spec_to_json(spec: Spec) -> dict[str, object]:
    """Return a spec as JSON's own types, with the document's version."""
    fields: dict[str, object] = msgspec.json.decode(msgspec.json.encode(spec))
    return {"version": VERSION} | fields


def spec_from_json(document: object) -> Spec:
    """Read a spec, every key of it, or say in one sentence why not.

    Args:
        document: What `json.loads` returned.

    Raises:
        SpecError: A key is unknown (the message names the nearest), missing or of the wrong type,
            a value is not allowed, the version is another, or the spec does not hold together.
    """
    if not isinstance(document, dict):
        raise SpecError(f"a spec is a JSON object, but this is a {type(document).__name__}")
    if "version" not in document:
        raise SpecError(f"missing key 'version' in the spec: this program reads version {VERSION}")
    if document["version"] != VERSION or isinstance(document["version"], bool):
        raise SpecError(
            f"the spec is of version {document['version']!r} but this program reads version "
            f"{VERSION}: use the sightline that wrote it, or a newer one"
        )
    fields = {key: value for key, value in document.items() if key != "version"}
    _check(fields, type_info(Spec), "")
    try:
        return msgspec.convert(fields, Spec)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, SpecError):
            raise SpecError(str(error.__cause__)) from error
        raise SpecError(_sentence(str(error))) from error


def _check(value: object, kind: Type, where: str) -> None:
    """Refuse unknown and missing keys, values outside a list, and numbers that are none.

    msgspec would refuse them too (all but the last), without saying what was meant.
    """
    if isinstance(kind, StructType) and isinstance(value, dict):
        _check_keys(value, kind, where)
        for field in kind.fields:
            if field.encode_name in value:
                _check(value[field.encode_name], field.type, _join(where, field.encode_name))
    elif isinstance(kind, UnionType) and isinstance(value, dict):
        structs = {one.tag: one for one in kind.types if isinstance(one, StructType)}
        if structs:
            _check(value, _alternative(value, structs, where), where)
    elif isinstance(kind, LiteralType) and value not in kind.values:
        raise SpecError(f"{where} is {value!r}: give one of {_listed(kind.values)}")
    elif isinstance(kind, TupleType) and isinstance(value, list):
        for item, item_type in zip(value, kind.item_types, strict=False):
            _check(item, item_type, where)
    elif isinstance(kind, FloatType) and isinstance(value, float) and not math.isfinite(value):
        raise SpecError(f"{where} is {value}: give a finite number")


def _check_keys(value: dict[Any, object], kind: StructType, where: str) -> None:
    known = [field.encode_name for field in kind.fields]
    if kind.tag_field is not None:
        known.append(kind.tag_field)
    place = where or "the spec"
    for key in value:
        if key not in known:
            [nearest] = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)
            raise SpecError(f"unknown key {key!r} in {place}: did you mean {nearest!r}?")
    optional = {field.encode_name for field in kind.fields if not field.required}
    for key in known:
        if key not in value and key not in optional:
            raise SpecError(f"missing key {key!r} in {place}: add it")


def _alternative(
    value: dict[Any, object], structs: Mapping[str | int | None, StructType], where: str
) -> Type:
    """Return which of several structs an object says it is."""
    field = next(kind.tag_field for kind in structs.values())
    if field not in value:
        raise SpecError(f"missing key {field!r} in {where}: give one of {_listed(structs)}")
    tag = value[field]
    if not isinstance(tag, str) or tag not in structs:
        raise SpecError(f"{where}.{field} is {tag!r}: give one of {_listed(structs)}")
    return structs[tag]


def _listed(values: Iterable[object]) -> str:
    return ", ".join(sorted(repr(value) for value in values))


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _sentence(complaint: str) -> str:
    """Turn msgspec's "Expected `int`, got `str` - at `$.image.width`" into ours."""
    what, _, path = complaint.partition(" - at ")
    place = re.sub(r"^\$\.?", "", path.strip("`"))
    return f"{place} is of the wrong type: {what[0].lower()}{what[1:].replace('`', '')}"
