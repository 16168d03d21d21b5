from hypothesis import given
from hypothesis import strategies as st

from sightline.hub.progress import Meter


def test_files_add_up() -> None:
    told: list[tuple[int, int, str]] = []
    meter = Meter(lambda *what: told.append(what), 10)
    meter.begin("a")
    meter.at(2)
    meter.at(4)
    meter.begin("b")
    meter.at(6)
    meter.finish()
    assert told == [(2, 10, "a"), (4, 10, "a"), (10, 10, "b")]


def test_nobody_has_to_listen() -> None:
    meter = Meter(None, 3)
    meter.at(3)
    assert meter.done == 3


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=4), st.integers(1, 30))
def test_what_is_told_only_grows_and_ends_at_the_total(files: list[list[int]], total: int) -> None:
    told: list[int] = []
    meter = Meter(lambda done, _, __: told.append(done), total)
    for number, reached in enumerate(files):
        meter.begin(str(number))
        for count in reached:  # a file that is begun anew goes back
            meter.at(count)
    meter.finish()
    assert told == sorted(set(told))
    assert told[-1] == total
