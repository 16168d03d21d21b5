"""Pickles are read and never run: what a hostile one asks for is named and refused."""

import io
import os
import pickle
import pickletools
import re
import time
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import CheckpointError
from sightline.tensors import pickled
from sightline.tensors.pickled import MAX_BYTES, Module, Named, read_pickle

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=20,
)


def refusal(encoded: bytes) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_pickle(encoded, "w.pt")
    return str(caught.value)


@given(PLAIN, st.sampled_from([2, 4]))
def test_plain_containers_read_as_python_reads_them(value: object, protocol: int) -> None:
    encoded = pickle.dumps(value, protocol)
    assert repr(read_pickle(encoded, "w.pt")) == repr(pickle.loads(encoded))


def test_an_ordered_dictionary_reads_as_a_dictionary() -> None:
    whole = OrderedDict(a=1, b=[2, 3])
    whole._metadata = {"version": 1}  # type: ignore[attr-defined] # as a state dict has
    assert read_pickle(pickle.dumps(whole, 2), "w.pt") == {"a": 1, "b": [2, 3]}


class Call:
    """Pickles as a call of any function with any arguments."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.said = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.said


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("function", [os.system, exec, time.sleep, io.open, getattr])
def test_a_call_is_named_and_not_made(function: Callable[..., Any], protocol: int) -> None:
    said = refusal(pickle.dumps({"weight": Call(function, "touch /tmp/never")}, protocol))
    named = spelt(pickle.dumps(function, protocol))
    assert said == (
        f"w.pt asks to call {named}, which weights saved by torch do not: it may be hostile, so "
        "nothing of it is read"
    )


def spelt(encoded: bytes) -> str:
    """Return how a pickle itself names a function: `os.system` is `posix.system`."""
    said = [(code.name, argument) for code, argument, _ in pickletools.genops(encoded)]
    words = [str(argument) for name, argument in said if name in ("SHORT_BINUNICODE", "GLOBAL")]
    return ".".join(words).replace(" ", ".")


def test_control_python_would_make_the_call(tmp_path: Path) -> None:
    marker = tmp_path / "made"
    encoded = pickle.dumps(Call(os.mkdir, str(marker)), 2)
    assert "asks to call posix.mkdir" in refusal(encoded)
    assert not marker.exists()
    pickle.loads(encoded)
    assert marker.exists()


def test_a_class_of_torchscript_is_an_object_with_attributes_and_no_code() -> None:
    encoded = b"\x80\x02c__torch__.model\nCLIP\n)\x81}X\x01\x00\x00\x00aK\x05sb."
    assert read_pickle(encoded, "w.pt") == Module({"a": 5})
    other = encoded.replace(b"__torch__.model", b"torch__.model")
    assert "asks to call torch__.model.CLIP" in refusal(other)


@pytest.mark.parametrize(
    ("encoded", "opcode"),
    [
        (b"\x80\x02(i" + b"os\nsystem\n.", "INST"),
        (b"\x80\x02(cos\nsystem\no.", "OBJ"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x04K\x01(\x90.", "ADDITEMS"),
        (b"I1\n.", "INT"),
        (b"\x80\x042.", "DUP"),
    ],
)
def test_an_opcode_that_torch_does_not_write_is_named(encoded: bytes, opcode: str) -> None:
    assert refusal(encoded) == (
        f"w.pt uses {opcode}, which weights saved by torch do not: it may be hostile, so nothing "
        "of it is read"
    )


def test_a_table_of_contents_of_any_size_is_not_read() -> None:
    encoded = pickle.dumps("x" * MAX_BYTES, 4)
    assert refusal(encoded) == (
        f"w.pt has a table of contents of {len(encoded)} bytes, more than {MAX_BYTES}: give the "
        "weights alone"
    )


def doubled(times: int = 60) -> bytes:
    """Return opcodes that leave a tuple of two of the tuple of two of …: 2^60 to whoever looks."""
    return b")" + b"".join(b"q" + bytes([at]) + b"h" + bytes([at]) + b"\x86" for at in range(times))


def nested(times: int = 50_000) -> bytes:
    """Return opcodes that leave a tuple in a tuple in a …, deeper than anything may recurse."""
    return b")" + b"\x85" * times


KINDS = {
    "doubled": doubled(),
    "nested": nested(),
    "list": b"]",
    "long": b"X\xe9\3\0\0" + b"a" * 1001,
}
NAMED = b"ctorch\nSize\n"  # a call that is known
NO_KEY = "a ((tuple|list) as a key of a dict|str where a short name belongs)"
STORED = b"X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpuK\1"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"}", b"K\1s.", NO_KEY),
        (b"}(", b"K\1u.", NO_KEY),
        (b"", b"X\1\0\0\0a\x93.", "a (tuple|list|str) where a short name belongs"),
        (b"X\1\0\0\0a", b"\x93.", "a (tuple|list|str) where a short name belongs"),
        (b"c__torch__\nA\n)\x81", b"b.", "an object made of a (tuple|list|str)"),
        (b"c__torch__\nA\n)\x81](", b"K\1\x86eb.", "an object made of a list"),
        (b"(X\7\0\0\0storage", b"X\1\0\0\x000X\3\0\0\0cpuK\1tQ.", "what stands for a storage is"),
        (
            b"(X\7\0\0\0storagectorch\nFloatStorage\n",
            b"X\3\0\0\0cpuK\1tQ.",
            "a (tuple|list|str) where a short name belongs",
        ),
        (
            b"ctorch._utils\n_rebuild_tensor_v2\n((" + STORED + b"tQK\0",
            b"K\1\x85tR.",
            "a tensor (of|whose place is not said in whole numbers)",
        ),
        (
            b"ctorch._utils\n_rebuild_tensor_v2\n((" + STORED + b"tQ",
            b"K\1\x85K\1\x85tR.",
            "a tensor whose place is not said in whole numbers",
        ),
    ],
)
def test_what_is_no_name_or_number_is_neither_looked_through_nor_written_out(
    before: bytes, after: bytes, said: str, kind: str
) -> None:
    encoded = b"\x80\2" + before + KINDS[kind] + after
    found = refusal(encoded)
    assert re.match(rf"w\.pt has a broken table of contents \({said}", found)
    assert len(found) < 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_of_what_is_no_function_is_named_by_its_type(kind: str) -> None:
    called = {"list": "list", "long": "str"}.get(kind, "tuple")
    assert refusal(b"\x80\2" + KINDS[kind] + b")R.") == (
        f"w.pt asks to call a {called}, which weights saved by torch do not: it may be hostile, so "
        "nothing of it is read"
    )


def test_a_call_has_few_arguments() -> None:
    """Of a million arguments, every call of a few bytes would make a copy."""
    encoded = b"\x80\2ctorch\ndevice\n(" + b"N" * 17 + b"tR."
    assert "a call of torch.device with a tuple" in refusal(encoded)
    assert read_pickle(encoded.replace(b"N" * 17, b"N" * 16), "w.pt") == (None,) * 16
    assert "a call of torch.Size with a list" in refusal(b"\x80\2" + NAMED + b"]R.")


def test_marks_are_looked_for_from_the_top() -> None:
    """A stack of many values, and many lists above it: together they took hours."""
    count = 60_000
    encoded = b"\x80\2(" + b"N" * count + b"(l" * count + b"l."
    assert len(read_pickle(encoded, "w.pt")) == 2 * count


def test_calls_cannot_make_copies_grow() -> None:
    """Of a long list, a million copies could be asked for in a few megabytes."""
    copy = Named("torch.jit._pickle", "build_intlist")
    items = list(range(1000))
    assert pickled._CALLS[str(copy)](items) is items


SHARED = 30_000  # attributes: a dictionary of 1.3 MB


def built(times: int) -> bytes:
    """Return a list of a dictionary, a class, and objects that are all made of both."""
    items = b"".join(b"M" + bytes([k & 255, k >> 8]) + b"N" for k in range(SHARED))
    both = b"}r\0\0\0\0(" + items + b"uc__torch__\nA\nr\1\0\0\0"
    return b"\x80\2(" + both + b"j\1\0\0\0)\x81j\0\0\0\0b" * times + b"l."


def test_objects_that_are_made_of_one_dictionary_share_it() -> None:
    """A copy for each: 321 kB took 7.5 GB."""
    tracemalloc.start()
    try:
        _, _, *made = read_pickle(built(100), "w.pt")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [len(one.attributes) for one in made] == [SHARED] * 100
    assert peak < 40e6


def test_an_object_is_made_once() -> None:
    """What it held would have to be copied before it could be added to."""
    twice = b"\x80\2c__torch__\nA\n)\x81" + b"}X\1\0\0\0aNsb" * 2 + b"."
    assert refusal(twice) == (
        "w.pt has a broken table of contents (an object made of a dict, or made twice): copy it "
        "again"
    )


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b".",
        b"\x80\x02K\x01K\x02.",  # two values
        b"\x80\x02K\x01u.",  # no mark
        b"\x80\x02K\x01s.",
        b"\x80\x02(K\x01K\x02u.",
        b"\x80\x02h\x05.",  # nothing was put there
        b"\x80\x02](K\x01K\x02K\x03u.",
        b"\x80\x02K\x01Q.",  # no storage
        b"\x80\x02}]K\x01s.",  # a list as key
        b"\x80\x02)K\x01K\x02s.",  # an item of what is no dictionary
        b"\x80\x02X\xff\xff\xff\x7fa.",  # a text longer than the file
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x01K\x01K\x01tR.",
    ],
)
def test_a_broken_pickle_is_one_sentence(encoded: bytes) -> None:
    assert refusal(encoded).startswith("w.pt has a broken table of contents (")


@given(st.binary(max_size=60))
def test_no_bytes_give_anything_but_a_value_or_a_sentence(encoded: bytes) -> None:
    for start in (b"", b"\x80\x02", b"\x80\x02}(X\x01\x00\x00\x00a"):
        with suppress(CheckpointError):
            read_pickle(start + encoded, "w.pt")
