import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.data.record import Words, join, name_class, read_json, read_text


def test_every_field_is_read() -> None:
    content = json.dumps(
        {
            "captions": [" a dog ", "", "a dog"],
            "label": "dog",
            "source": "shelf",
            "group": {"age": 3, "domain": "photo", "none": None},
        }
    )
    assert read_json(content.encode()) == Words(
        texts=("a dog", "a dog"),
        label="dog",
        group={"age": "3", "domain": "photo"},
        source="shelf",
    )


def test_the_record_of_img2dataset_is_read_and_its_other_fields_left_alone() -> None:
    content = b'{"caption": "a dog", "url": "http://x", "key": "1", "width": 3, "exif": "{}"}'
    assert read_json(content) == Words(texts=("a dog",))


def test_one_caption_may_stand_without_a_list() -> None:
    assert read_json(b'{"captions": "a dog"}').texts == ("a dog",)


@given(content=st.one_of(st.binary(max_size=40), st.text(max_size=40).map(str.encode)))
def test_any_bytes_give_words_or_a_reason(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(read_json(content), Words)


def test_deep_json_is_a_reason_not_a_crash() -> None:
    with pytest.raises(ValueError, match="its JSON does not hold"):
        read_json(b'{"other": ' + b"[" * 100_000)


def test_a_wrong_kind_says_where() -> None:
    with pytest.raises(ValueError, match=r"`\$.captions\[0\]`"):
        read_json(b'{"captions": [3]}')


def test_text_that_is_not_utf8_says_where() -> None:
    with pytest.raises(ValueError, match=r"^its text is not UTF-8 \(byte 1\)$"):
        read_text(b"a\xff")


def test_a_class_number_becomes_its_name() -> None:
    assert name_class(" 1\n", ("cat", "dog")) == "dog"
    assert name_class("1", ()) == "1"
    assert name_class("dog", ("cat",)) == "dog"


def test_a_class_number_beyond_the_names_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^its class 2 is beyond the 2 in classnames.txt$"):
        name_class("2", ("cat", "dog"))


def test_a_label_alone_is_the_text() -> None:
    assert join([Words(label="dog")]).texts == ("dog",)


def test_a_caption_said_twice_in_one_file_counts_twice_and_in_two_files_once() -> None:
    both = join([Words(texts=("a", "a")), Words(texts=("a", "b"))])
    assert both.texts == ("a", "a", "b")


def test_two_labels_contradict() -> None:
    with pytest.raises(ValueError, match=r"^it has two labels \('cat', 'dog'\)$"):
        join([Words(label="cat"), Words(label="dog")])
