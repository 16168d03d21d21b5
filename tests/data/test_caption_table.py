import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightline.data import Columns, Example, open_source
from sightline.errors import DataError
from tiny_sets import picture

JSONL = '{"path": "a.png", "caption": "one", "label": 3, "group": {"d": "x"}}\n'


def table(folder: Path, name: str, text: str) -> Path:
    for picture_name in ("a.png", "b.png"):
        (folder / picture_name).write_bytes(picture())
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def said(path: Path, columns: Columns | None = None) -> list[tuple[str, tuple[str, ...]]]:
    return [(e.key, e.texts) for e in open_source(path, columns=columns)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "path,caption\na.png,one\nb.png,two\n"),
        ("t.csv", "\ufefffilepath\ttitle\r\na.png\tone\r\nb.png\ttwo\r\n"),
        ("t.tsv", "text\tfile_name\none\ta.png\ntwo\tb.png"),
        ("t.jsonl", '{"image": "a.png", "text": "one"}\n\n{"image": "b.png", "text": ["two"]}\n'),
        ("t.CSV", "path,caption\na.png,one\nb.png,two\n"),
    ],
)
def test_comma_tab_and_json_lines_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    assert said(table(tmp_path, name, text)) == [("a.png", ("one",)), ("b.png", ("two",))]


def test_rows_of_one_picture_are_one_example(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "path,caption\na.png,one\nb.png,x\na.png,two\na.png,two\n")
    assert said(path) == [("a.png", ("one", "two", "two")), ("b.png", ("x",))]


def test_label_group_and_source_are_read(tmp_path: Path) -> None:
    text = "path,label,group.domain,group.age,source\na.png,dog,photo,,shelf\n"
    [example] = open_source(table(tmp_path, "t.csv", text))
    assert example == Example(
        key="a.png",
        image=picture(),
        texts=("dog",),
        label="dog",
        group={"domain": "photo"},
        source="shelf",
    )
    [example] = open_source(table(tmp_path, "t.jsonl", JSONL))
    assert (example.label, example.texts, example.group) == ("3", ("one",), {"d": "x"})


def test_parquet_is_read(tmp_path: Path) -> None:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    path = table(tmp_path, "t.parquet", "")
    columns = {"path": ["a.png", "b.png"], "captions": [["one", "two"], ["x"]], "label": [1, None]}
    pq.write_table(pa.table(columns), path)
    found = [(e.key, e.texts, e.label) for e in open_source(path)]
    assert found == [("a.png", ("one", "two"), "1"), ("b.png", ("x",), None)]


def test_parquet_with_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = table(tmp_path, "t.parquet", "")
    broken = pa.array([b"a.png", b"\xff"]).view(pa.string())
    pq.write_table(pa.table({"path": broken, "caption": ["one", "two"]}), path)
    with pytest.raises(DataError, match=r"t\.parquet cannot be read as Parquet: "):
        open_source(path)


def test_a_number_that_pandas_wrote_with_a_point_is_the_label_without_it(tmp_path: Path) -> None:
    path = table(tmp_path, "t.jsonl", '{"path": "a.png", "label": 1.0}\n')
    assert [example.label for example in open_source(path)] == ["1"]


def test_a_file_without_any_json_object_says_what_its_first_line_is(tmp_path: Path) -> None:
    path = table(tmp_path, "t.jsonl", "[1, 2]\n[3]\n")
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert str(caught.value) == (
        f"{path} has no line with a JSON object: line 1 is none, its JSON does not hold (Expected "
        "`object`, got `array`)"
    )


def test_columns_of_other_names_can_be_named(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "where,what\na.png,one\n")
    assert said(path, Columns(image="where", text="what")) == [("a.png", ("one",))]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "t.csv",
            "where,caption\n",
            "{0} has no column of image paths (its columns: where, caption): name one path, "
            "filepath, file_name, image, or say which it is",
        ),
        (
            "t.csv",
            "path,what\n",
            "{0} has no column of captions or labels (its columns: path, what): name one captions, "
            "caption, title, text, label, class, or say which it is",
        ),
        (
            "t.csv",
            "path,caption,text\n",
            "{0} has both a column 'caption' and 'text': say which to read",
        ),
        (
            "t.csv",
            "",
            "{0} has no column of image paths (its columns: none): name one path, filepath, "
            "file_name, image, or say which it is",
        ),
        (
            "t.csv",
            'path,caption\na.png,"open\n',
            "{0} is no table after line 2: unexpected end of data",
        ),
    ],
)
def test_a_table_that_does_not_say_what_is_needed_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    path = table(tmp_path, name, text)
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert str(caught.value) == message.format(path)


def test_a_named_column_that_is_missing_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "t.csv", "path,caption\n")
    with pytest.raises(DataError) as caught:
        open_source(path, columns=Columns(text="words"))
    assert str(caught.value) == f"{path} has no column 'words' (its columns: path, caption)"


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("path,caption\na.png,caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert str(caught.value) == f"{path} is not UTF-8 (byte 22): save it as UTF-8"


def test_what_is_not_parquet_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "t.parquet", "path,caption\n")
    with pytest.raises(DataError, match=r"t\.parquet cannot be read as Parquet: "):
        open_source(path)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("t.csv", "path,caption\na.png\n", "row 2 of t.csv was skipped: it has 1 cells and the "),
        ("t.csv", "path,caption\n,one\n", "row 2 of t.csv was skipped: its 'path' is no path"),
        (
            "t.csv",
            "path,caption\nhttp://x/a.png,one\n",
            "row 2 of t.csv was skipped: its 'path' is an address, and nothing is fetched",
        ),
        ("t.csv", "path,caption\na.png,\n", "a.png has neither caption nor label"),
        ("t.csv", "path,caption\nc.png,one\n", "c.png' does not exist: check the path"),
        ("t.csv", "path,label\na.png,x\na.png,y\n", "a.png was skipped: it has two labels"),
        ("t.jsonl", "{\n", "row 2 of t.jsonl was skipped: its JSON does not hold ("),
        (
            "t.jsonl",
            '{"path": "a.png", "caption": 3}\n',
            "row 2 of t.jsonl was skipped: its 'caption' is neither a text nor a list of texts",
        ),
        (
            "t.jsonl",
            '{"path": "a.png", "label": [3]}\n',
            "row 2 of t.jsonl was skipped: its 'label' is neither a text nor a number",
        ),
    ],
)
def test_a_row_that_does_not_hold_is_counted(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    good = '{"path": "b.png", "caption": "two", "label": null}\n' if name == "t.jsonl" else ""
    source = open_source(table(tmp_path, name, good + text), name="tiny")
    if good:
        assert [example.key for example in source] == ["b.png"]
    else:
        with pytest.raises(DataError):
            list(source)
    [counted] = source.skipped.kinds().values()
    assert reason in counted.first[0].reason


@given(content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_after_the_header_are_counted_or_refused(tmp_path: Path, content: bytes) -> None:
    for name, header in (("t.csv", b"path,caption\nb.png,x\n"), ("t.jsonl", JSONL.encode())):
        path = table(tmp_path, name, "")
        path.write_bytes(header + content)
        with contextlib.suppress(DataError):
            assert next(iter(open_source(path))).key in ("a.png", "b.png")
