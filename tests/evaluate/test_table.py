from pathlib import Path

import pytest

from sightline.evaluate import run
from sightline.evaluate.table import metric_words, rows
from tiny_card import card_inputs, colours
from tiny_embedder import RGB, colour_embedder, example, source_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("acc1", "top-1"),
        ("acc5", "top-5"),
        ("mean_per_class_recall", "mean of classes"),
        ("acc1/domain", "top-1, mean over domain"),
        ("acc1/domain/photo", "top-1, domain photo"),
        ("acc1/domain/sketch", "top-1, domain sketch (worst)"),
        ("acc1/domain/a/b", "top-1, domain a/b"),
        ("image_retrieval_recall@10", "text→image recall@10"),
        ("text_retrieval_recall@1", "image→text recall@1"),
    ],
)
def test_a_metric_is_written_in_words(name: str, words: str) -> None:
    assert metric_words(name, {"domain": "sketch"}) == words


def test_of_many_groups_the_mean_and_the_worst_are_shown() -> None:
    named = list(RGB.items())
    records = [
        example(str(i), named[i % 3][1], named[i % 3][0], group={"wall": f"w{i}"}) for i in range(9)
    ]
    records[4] = example("4", RGB["red"], "green", group={"wall": "w4"})
    result = run(colour_embedder(), source_of(*records))
    shown = [row.metric for row in rows([result]) if "wall" in row.metric]
    assert shown == ["top-1, mean over wall", "top-1, wall w4 (worst)"]
    every = [row.metric for row in rows([result], every_group=True) if "wall" in row.metric]
    assert len(every) == 10


def test_chance_is_what_guessing_gives(tmp_path: Path) -> None:
    _, results, _ = card_inputs(tmp_path / "model")
    chances = {(row.dataset, row.metric): row.chance for row in rows(results)}
    assert chances["eval-colours", "top-1"] == "0.333"
    assert chances["captions", "text→image recall@1"] == "0.500"
    ten = run(colour_embedder(), colours(), classes=[*RGB, *"0123456"])
    assert [row.chance for row in rows([ten])][:2] == ["0.100", "0.500"]  # top-1, top-5


def test_there_is_one_row_for_each_set_and_metric(tmp_path: Path) -> None:
    _, results, _ = card_inputs(tmp_path / "model")
    found = [(row.dataset, row.metric, row.value, row.count) for row in rows(results)]
    assert found[0] == ("eval-colours", "top-1", "0.750", "4 images")
    assert found[1] == ("eval-colours", "mean of classes", "0.833", "3 classes")
    assert found[2] == ("eval-colours", "top-1, mean over place", "0.750", "2 groups")
    assert found[-2] == ("captions", "text→image recall@1", "0.500", "2 captions")
    # both captions say the same, so for the red picture too there is a tie, which is no hit
    assert found[-1] == ("captions", "image→text recall@1", "0.000", "2 images")
    assert next(rows(results)).interval == "0.301 to 0.954"  # Wilson, 3 of 4
