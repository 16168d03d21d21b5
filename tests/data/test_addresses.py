from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.data import addresses
from sightline.data.addresses import expand
from sightline.errors import DataError


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


def names(found: list[Path]) -> list[str]:
    return [path.name for path in found]


def test_braces_and_globs_stand_for_files_in_order(tmp_path: Path) -> None:
    make(tmp_path, *(f"s-{n:03}.tar" for n in range(12)), "t-a.tar", "t-b.tar")
    assert names(expand([f"{tmp_path}/s-{{009..011}}.tar"])) == [
        "s-009.tar",
        "s-010.tar",
        "s-011.tar",
    ]
    assert names(expand([f"{tmp_path}/t-{{b,a}}.tar"])) == ["t-b.tar", "t-a.tar"]
    assert names(expand([f"{tmp_path}/t-*.tar", f"{tmp_path}/s-000.tar"])) == [
        "t-a.tar",
        "t-b.tar",
        "s-000.tar",
    ]
    assert len(expand([f"{tmp_path}/{{s,t}}-*.tar"])) == 14


def test_a_name_that_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    make(tmp_path, "a[1]{2}.tar")
    assert names(expand([tmp_path / "a[1]{2}.tar"])) == ["a[1]{2}.tar"]


@given(first=st.integers(0, 30), last=st.integers(0, 30), width=st.integers(1, 3))
def test_a_range_counts_like_a_shell(first: int, last: int, width: int) -> None:
    from sightline.data.addresses import _braces

    ends = [str(first).zfill(width), str(last).zfill(width)]
    padded = any(len(end) > 1 and end.startswith("0") for end in ends)
    numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
    wide = max(map(len, ends)) if padded else 0
    want = [f"x{n:0{wide}}" if wide else f"x{n}" for n in numbers]
    assert list(_braces("x{" + "..".join(ends) + "}")) == want


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{0}/none-*.tar", "{0}/none-*.tar matches no file: check the path"),
        ("{0}/none.tar", "{0}/none.tar matches no file: check the path"),
        (
            "none/s-*.tar",
            "none/s-*.tar matches no file: check the path, which starts at the current folder",
        ),
        (
            "{0}/s-{{0..2}}.tar",
            "1 of the 3 files of {0}/s-{{0..2}}.tar are missing, first {0}/s-2.tar: fetch them or "
            "write a smaller range",
        ),
        (
            "s3://bucket/s.tar",
            "s3://bucket/s.tar is an address, not a path: fetch what is there and give its path",
        ),
        (
            "pipe:curl http://x",
            "pipe:curl http://x is an address, not a path: fetch what is there and give its path",
        ),
    ],
)
def test_a_pattern_that_does_not_hold_is_refused(
    tmp_path: Path, pattern: str, message: str
) -> None:
    make(tmp_path, "s-0.tar", "s-1.tar")
    with pytest.raises(DataError) as caught:
        expand([pattern.format(tmp_path)])
    assert str(caught.value) == message.format(tmp_path)


def test_a_colon_in_the_name_of_what_is_there_makes_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "run:1.tar")
    assert names(expand(["run:1.tar"])) == ["run:1.tar"]


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_name_is_not_the_current_folder(blank: str) -> None:
    with pytest.raises(DataError, match="the name of a source is blank"):
        expand([blank])


def test_a_file_named_twice_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "s-0.tar")
    with pytest.raises(DataError) as caught:
        expand([f"{tmp_path}/s-*.tar", f"{tmp_path}/s-0.tar"])
    assert str(caught.value) == f"{tmp_path}/s-0.tar is named 2 times: name each file once"


def test_nothing_named_is_refused() -> None:
    with pytest.raises(DataError, match=r"^no source was named: give a folder, a table or tar"):
        expand([])


def test_a_range_of_too_many_is_refused_before_it_is_written_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "MAX_FILES", 10)
    with pytest.raises(DataError) as caught:
        expand(["none/{0..999999999}"])
    assert str(caught.value) == (
        "none/{0..999999999} means more than 10 files: write a smaller range"
    )
