from pathlib import Path

import pytest

from sightline.train.journal import Journal, read_journal


def steps(folder: Path) -> list[int]:
    return [line["step"] for line in read_journal(folder)]


def write(folder: Path, last_step: int, *numbers: int) -> None:
    with Journal(folder, last_step=last_step) as journal:
        for number in numbers:
            journal.write("train", {"loss": number / 2}, step=number, images=8 * number)


def test_a_line_has_its_kind_its_place_and_its_values(tmp_path: Path) -> None:
    write(tmp_path, 0, 1)
    [line] = read_journal(tmp_path)
    assert line["seconds"] >= 0
    del line["seconds"]
    assert line == {"kind": "train", "step": 1, "images": 8, "values": {"loss": 0.5}}


def test_what_came_after_the_saved_state_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, 0, 1, 2, 3)
    write(tmp_path, 2, 3, 4)
    assert steps(tmp_path) == [1, 2, 3, 4]


@pytest.mark.parametrize("end", [b'{"kind":"train","st', b'{"kind":"train","step":9'])
def test_a_line_cut_off_by_a_kill_is_none(tmp_path: Path, end: bytes) -> None:
    write(tmp_path, 0, 1, 2)
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(end)
    assert steps(tmp_path) == [1, 2]
    write(tmp_path, 2, 3)
    assert steps(tmp_path) == [1, 2, 3]


def test_seconds_go_on_where_a_resumed_run_left_off(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(
        '{"kind":"train","step":1,"images":8,"seconds":500.0,"values":{}}\n'
    )
    write(tmp_path, 1, 2)
    assert read_journal(tmp_path)[1]["seconds"] >= 500.0


def test_a_folder_without_a_journal_has_no_records(tmp_path: Path) -> None:
    assert read_journal(tmp_path) == []


def test_tensorboard_shows_the_same_values_once_each(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
        EventAccumulator,
    )

    write(tmp_path, 0, 1, 2, 3)
    write(tmp_path, 2, 3, 4)  # gone on with after a kill: step 3 is done again
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    shown = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert shown == [(1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]
