import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.data.tape import MAX_EXTENDED_BYTES, Cut, Member, members
from tiny_sets import tar_bytes

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
LONG = st.sampled_from(["", "a" * 90 + "/", "ü/" * 70, "b" * 101])
CONTENTS = st.binary(max_size=3).map(lambda few: few * 300)
MEMBERS = st.lists(st.tuples(st.builds(str.__add__, LONG, NAMES), CONTENTS), max_size=4)
LAYOUTS = st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


def walked(packed: bytes) -> list[Member | Cut]:
    return list(members(io.BytesIO(packed)))


@given(contents=MEMBERS, layout=LAYOUTS)
def test_names_sizes_and_places_are_those_of_pythons_tarfile(
    contents: list[tuple[str, bytes]], layout: int
) -> None:
    packed = tar_bytes(contents, layout)
    with tarfile.open(fileobj=io.BytesIO(packed), errors="backslashreplace") as tar:
        want = [(m.name.rstrip("/"), m.size, m.offset_data) for m in tar]
    found = walked(packed)
    assert all(isinstance(member, Member) for member in found)
    got = [(m.name.rstrip("/"), m.size, m.start) for m in found if isinstance(m, Member)]
    assert got == want


def test_a_prefix_belongs_to_the_name() -> None:
    name = "folder/" * 20 + "a.jpg"
    [member] = walked(tar_bytes([(name, b"x")], tarfile.USTAR_FORMAT))
    assert isinstance(member, Member)
    assert member.name == name


@given(contents=MEMBERS, layout=LAYOUTS, where=st.integers(0, 10**6), value=st.binary(max_size=9))
def test_damage_anywhere_ends_the_walk_without_an_error(
    contents: list[tuple[str, bytes]], layout: int, where: int, value: bytes
) -> None:
    packed = bytearray(tar_bytes(contents, layout))
    where %= len(packed)
    packed[where : where + len(value)] = value
    starts = [m.start for m in walked(bytes(packed)) if isinstance(m, Member)]
    assert starts == sorted(starts)


@given(noise=st.binary(max_size=2000))
def test_noise_is_no_tar_and_never_an_error(noise: bytes) -> None:
    found = walked(noise)
    assert not found or isinstance(found[-1], Cut) or not any(noise[:512])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.DIRTYPE, "folder"),
        (b"Z", "of an unknown type"),
    ],
)
def test_what_is_not_a_file_is_named(kind: bytes, words: str) -> None:
    member = tarfile.TarInfo("a.jpg")
    member.type = kind
    member.linkname = "/etc/passwd"
    [found] = walked(member.tobuf() + bytes(1024))
    assert isinstance(found, Member)
    assert found.kind == words


def header(**fields: object) -> bytes:
    member = tarfile.TarInfo("a.jpg")
    for field, value in fields.items():
        setattr(member, field, value)
    return member.tobuf(tarfile.GNU_FORMAT)


def test_a_size_beyond_any_file_is_a_cut_not_a_seek() -> None:
    assert walked(header(size=2**70)) == [Cut(0, "what stands there is not a tar header")]


def test_a_negative_size_never_sends_the_walk_back() -> None:
    assert walked(header(size=-512)) == [Cut(0, "what stands there is not a tar header")]


def test_an_endless_name_is_not_read() -> None:
    size = MAX_EXTENDED_BYTES + 1
    found = walked(header(type=b"L", size=size))
    assert found == [Cut(0, f"an extended header claims {size:,} bytes")]


def test_what_gnu_keeps_in_the_place_of_the_prefix_is_no_name() -> None:
    packed = bytearray(header(size=0))
    packed[345:357] = b"12345670123\0"  # the access time, in GNU's older format
    packed[148:156] = b" " * 8
    packed[148:156] = b"%06o\0 " % sum(packed)
    [found] = walked(bytes(packed) + bytes(1024))
    assert isinstance(found, Member)
    assert found.name == "a.jpg"


def test_a_chain_of_extended_headers_is_walked_not_recursed() -> None:
    assert walked(header(type=b"x") * 5000 + bytes(1024)) == []


def pax(fields: dict[str, str]) -> bytes:
    member = tarfile.TarInfo("a.jpg")
    member.pax_headers = fields
    return member.tobuf(tarfile.PAX_FORMAT)


def test_a_size_in_words_is_refused() -> None:
    found = walked(pax({"size": "many"}))
    assert found == [Cut(1024, "an extended header gives a size that is no number")]


def test_a_sparse_file_is_named() -> None:
    [found] = walked(pax({"GNU.sparse.major": "1"}) + bytes(1024))
    assert isinstance(found, Member)
    assert found.kind == "a sparse file"


def test_a_missing_end_mark_is_told() -> None:
    whole = tar_bytes([("a.jpg", b"x")])
    assert walked(whole[:1024])[-1] == Cut(1024, "it ends without the mark that ends a tar")
    assert not any(isinstance(found, Cut) for found in walked(whole))
