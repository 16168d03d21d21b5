from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.cli.pictures import Tally, find_pictures, read_names


class Dripping(BytesIO):
    """Gives a few bytes at a time, as a slow pipe does."""

    step = 1

    def read1(self, size: int | None = -1, /) -> bytes:
        return self.read(self.step)


names = st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), min_size=1)


@given(st.lists(names), st.integers(1, 9))
def test_names_on_lines_come_back_however_they_arrive(wanted: list[str], step: int) -> None:
    content = "".join(f"{name}\n" for name in wanted).encode()
    stream = Dripping(content)
    stream.step = step
    assert list(read_names(stream)) == wanted


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)))
def test_names_ended_by_nul_may_hold_lines(wanted: list[str]) -> None:
    content = "".join(f"{name}\0" for name in wanted).encode()
    assert list(read_names(BytesIO(content))) == wanted


def test_the_last_name_needs_no_end() -> None:
    assert list(read_names(BytesIO(b"a\nb"))) == ["a", "b"]


def test_a_path_that_is_not_there_comes_first_as_itself(desk: Path) -> None:
    found = [str(path) for path in find_pictures(["photo.jpg", "gone.jpg", "photos/[01].png"])]
    assert found == ["gone.jpg", "photo.jpg", "photos/0.png", "photos/1.png"]


def test_an_address_keeps_both_its_slashes(desk: Path) -> None:
    assert list(find_pictures(["http://example.org/a.jpg"])) == ["http://example.org/a.jpg"]


@pytest.mark.parametrize(("done", "skipped", "code"), [(1, 0, 0), (1, 1, 3), (0, 1, 4), (0, 0, 4)])
def test_the_exit_code_tells_whether_some_or_all_were_skipped(
    done: int, skipped: int, code: int
) -> None:
    tally = Tally(lambda: None, listed=False)
    tally.done, tally.skipped = done, skipped
    assert tally.finish() == code


def test_a_reason_that_does_not_name_its_picture_gets_the_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tally = Tally(lambda: None, listed=True)
    tally.skip("a.jpg", "'a.jpg' is empty")
    tally.skip("b\n.jpg", "no direction")
    assert capsys.readouterr().err == "skipped: 'a.jpg' is empty\nskipped: b\\n.jpg: no direction\n"
