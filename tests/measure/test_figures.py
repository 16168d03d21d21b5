from measured import figures, report


def test_a_hundred_thousand_photos_take_what_their_files_take() -> None:
    assert figures("a", 1.0).hours == {"640 × 480": 100_000 / 10 / 3600}


def test_vectors_take_four_bytes_a_number_or_two() -> None:
    assert report().vector_bytes == {"float32": 102_400_000, "float16": 51_200_000}
