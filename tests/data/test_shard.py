import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightline.data import shard
from sightline.data.example import Example, Skipped, Tally
from sightline.data.shard import TarShard
from sightline.errors import DataError
from tiny_sets import TarMember, numbered, tar_bytes, write_shard

PER_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_all(path: Path, names: Sequence[str] = ()) -> tuple[list[Example], list[Skipped]]:
    tally = Tally()
    records = TarShard(path, source="tiny", class_names=names).open(tally)
    read = [records.read(number) for number in range(len(records))]
    for skipped in read:
        if isinstance(skipped, Skipped):
            tally.add(skipped)
    listed = [skipped for counted in tally.kinds().values() for skipped in counted.first]
    return [example for example in read if isinstance(example, Example)], listed


def read_members(folder: Path, members: Sequence[TarMember]) -> tuple[list[Example], list[Skipped]]:
    return read_all(write_shard(folder / "s.tar", members))


def test_an_example_has_key_image_captions_label_group_and_source(tmp_path: Path) -> None:
    words = b'{"captions": ["a", "b"], "label": "l", "group": {"g": 1}, "source": "s"}'
    [example], skipped = read_members(tmp_path, [("in/k.jpg", b"i"), ("in/k.json", words)])
    assert skipped == []
    assert example == Example(
        key="in/k", image=b"i", texts=("a", "b"), label="l", group={"g": "1"}, source="s"
    )


@given(order=st.permutations(numbered(0, 3)), packed=st.booleans())
@PER_TEST
def test_the_order_of_members_in_a_shard_does_not_matter(
    tmp_path: Path, order: list[TarMember], packed: bool
) -> None:
    path = tmp_path / ("s.tar.gz" if packed else "s.tar")
    content = tar_bytes(order)
    path.write_bytes(gzip.compress(content) if packed else content)
    found, skipped = read_all(path)
    assert skipped == []
    assert {(e.key, e.image, e.texts) for e in found} == {
        (f"{n:04}", f"image {n}".encode(), (f"caption {n}",)) for n in range(3)
    }


@pytest.mark.parametrize("kind", ["jpg", "jpeg", "png", "webp", "JPG"])
def test_every_kind_of_image_is_read(tmp_path: Path, kind: str) -> None:
    [example], _ = read_members(tmp_path, [(f"k.{kind}", b"i"), ("k.txt", b" a dog\n")])
    assert (example.image, example.texts, example.source) == (b"i", ("a dog",), "tiny")


def test_each_line_of_a_text_file_is_a_caption(tmp_path: Path) -> None:
    said = b"a dog\r\n\n a\x0bcat\na dog"
    [example], _ = read_members(tmp_path, [("k.jpg", b"i"), ("k.txt", said)])
    assert example.texts == ("a dog", "a\x0bcat", "a dog")


def test_a_packed_shard_is_known_by_its_suffix_in_capitals_too(tmp_path: Path) -> None:
    plain = write_shard(tmp_path / "s.tar", [("k.jpg", b"i"), ("k.txt", b"a dog")])
    packed = tmp_path / "S.TAR.GZ"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    [example], skipped = read_all(packed)
    assert (example.texts, skipped) == (("a dog",), [])


def test_a_class_file_is_the_label_and_the_text(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "s.tar", [("k.jpg", b"i"), ("k.cls", b"1")])
    [example], _ = read_all(path, ("cat", "dog"))
    assert (example.label, example.texts) == ("dog", ("dog",))
    [example], _ = read_all(path)
    assert example.label == "1"


@pytest.mark.parametrize(
    ("members", "kind", "reason"),
    [
        (
            [("k.jpg", b"i")],
            "image without text",
            "k in s.tar has an image but no .json, .txt or .cls",
        ),
        ([("k.txt", b"a")], "text without image", "k in s.tar has words but no image"),
        (
            [("k.jpg", b"i"), ("k.txt", b" ")],
            "image without text",
            "k has neither caption nor label",
        ),
        (
            [("k.jpg", b"i"), ("k.txt", b"\xff")],
            "bad record",
            "k was skipped: its text is not UTF-8 (byte 0)",
        ),
        (
            [("k.jpg", b"i"), ("k.json", b"{")],
            "bad record",
            "k was skipped: its JSON does not hold (Input data was truncated)",
        ),
        (
            [("../k.jpg", b"i")],
            "path outside the shard",
            "../k.jpg in s.tar has a path that leads out of it",
        ),
        (
            [("/k.jpg", b"i")],
            "path outside the shard",
            "/k.jpg in s.tar has a path that leads out of it",
        ),
        (
            [("a.b.jpg", b"i")],
            "second dot in a name",
            "a.b.jpg in s.tar reads as kind 'b.jpg' of key 'a': leave one dot in the name",
        ),
    ],
)
def test_what_cannot_be_an_example_is_counted_with_its_reason(
    tmp_path: Path, members: list[TarMember], kind: str, reason: str
) -> None:
    found, [skipped] = read_members(tmp_path, members)
    assert found == []
    assert (skipped.kind, skipped.reason) == (kind, reason)


def test_what_is_no_example_is_left_alone(tmp_path: Path) -> None:
    extra = [("README", b"x"), ("0000.npy", b"x"), ("._0000.jpg", b"x"), (".hidden", b"x")]
    found, skipped = read_members(tmp_path, [*numbered(0, 1), *extra])
    assert (len(found), skipped) == (1, [])


@pytest.mark.parametrize("again", ["0000.jpg", "0000.png", "0000.json"])
def test_the_first_of_a_duplicate_is_kept(tmp_path: Path, again: str) -> None:
    [example], [skipped] = read_members(tmp_path, [*numbered(0, 1), (again, b"other")])
    assert (example.image, example.texts) == (b"image 0", ("caption 0",))
    assert skipped.reason == f"{again} in s.tar comes a second time: the first was kept"


def test_links_are_never_followed(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        link = tarfile.TarInfo("k.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    path = tmp_path / "s.tar"
    path.write_bytes(stream.getvalue())
    found, [skipped] = read_all(path)
    assert found == []
    assert skipped.reason == "k.jpg in s.tar is a symbolic link, which is never followed"


def test_a_member_over_the_limit_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard, "MAX_IMAGE_BYTES", 6)
    found, skipped = read_members(tmp_path, numbered(0, 1))
    assert found == []
    assert skipped[-1].reason == "0000.jpg in s.tar has 7 bytes, more than is read"


def whole_before(members: Sequence[TarMember], cut: int) -> list[str]:
    """Oracle: keys whose members all end before the cut, by tarfile's own offsets."""
    with tarfile.open(fileobj=io.BytesIO(tar_bytes(members))) as tar:
        ends = {m.name: m.offset_data + m.size for m in tar}
    keys = dict.fromkeys(name.split(".")[0] for name in ends)
    return [k for k in keys if all(ends[n] <= cut for n in ends if n.startswith(k))]


@given(cut=st.integers(0, 3 * 2 * 1024 + 1024))
@PER_TEST
def test_a_truncated_tar_gives_what_stands_before_the_cut(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "s.tar"
    path.write_bytes(tar_bytes(numbered(0, 3))[:cut])
    found, skipped = read_all(path)
    assert [example.key for example in found] == whole_before(numbered(0, 3), cut)
    damaged = [row for row in skipped if row.kind == "damaged shard"]
    assert len(damaged) == (0 if cut >= 3 * 2 * 1024 + 512 else 1)
    for row in damaged:  # a header that is cut is told by its own place
        assert cut - 512 < place_told(row) <= cut


def place_told(skipped: Skipped) -> int:
    return int(skipped.reason.split("at byte ")[1].split(" ")[0].replace(",", ""))


@given(share=st.floats(0, 0.99))
@PER_TEST
def test_a_truncated_packed_tar_gives_what_can_be_unpacked(tmp_path: Path, share: float) -> None:
    import zlib

    packed = gzip.compress(tar_bytes(numbered(0, 40)))
    part = packed[: int(len(packed) * share)]
    path = tmp_path / "s.tar.gz"
    path.write_bytes(part)
    unpacked = zlib.decompressobj(wbits=31).decompress(part)
    found, skipped = read_all(path)
    want = whole_before(numbered(0, 40), len(unpacked))
    # The unpacker may hold back its last bytes when the stream breaks off: one example at most.
    assert [example.key for example in found] in (want, want[:-1])
    # All content may be there and only the end of the packing be missing.
    assert len(want) == 40 or any(row.kind == "damaged shard" for row in skipped)


def test_a_cut_names_shard_place_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "s.tar"
    path.write_bytes(tar_bytes(numbered(0, 1))[:1550])
    _, skipped = read_all(path)
    assert [row.reason for row in skipped if row.kind == "damaged shard"] == [
        "shard s.tar is cut or damaged at byte 1,550 (inside 0000.json): what stands before was "
        "read, fetch the shard again for the rest"
    ]


@given(where=st.integers(0, 10**6), value=st.binary(min_size=1, max_size=600))
@PER_TEST
def test_damage_anywhere_is_counted_never_an_error(
    tmp_path: Path, where: int, value: bytes
) -> None:
    for name, whole in (("s.tar", tar_bytes(numbered(0, 3))), ("s.tar.gz", b"")):
        content = bytearray(whole or gzip.compress(tar_bytes(numbered(0, 3))))
        place = where % len(content)
        content[place : place + len(value)] = value
        (tmp_path / name).write_bytes(content)
        found, skipped = read_all(tmp_path / name)
        assert len(found) <= 4
        assert all(row.reason for row in skipped)


def test_a_bomb_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard, "MAX_UNPACKED_BYTES", 1_000_000)
    huge = tarfile.TarInfo("big.bin")
    huge.size = 64_000_000
    content = tar_bytes(numbered(0, 1))[: 4 * 512] + huge.tobuf() + bytes(huge.size)
    path = tmp_path / "s.tar.gz"
    path.write_bytes(gzip.compress(content, 1))
    tracemalloc.start()
    [example], [skipped] = read_all(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert example.key == "0000"
    assert "unpacks to more than 1,000,000 bytes, gunzip it" in skipped.reason
    assert place_told(skipped) <= 1_000_000
    assert peak < 2_000_000


def test_a_shard_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "s.tar", numbered(0, 2))
    records = TarShard(path, source="tiny").open(Tally())
    path.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        records.read(1)
    assert str(caught.value) == f"shard {path} became shorter while it was being read"


def test_a_shard_that_is_gone_is_refused(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "s.tar", numbered(0, 2))
    opened = TarShard(path, source="tiny")
    path.unlink()
    with pytest.raises(DataError) as caught:
        opened.open(Tally())
    assert str(caught.value) == f"shard {path} cannot be read: No such file or directory"
