from typing import Any

import pytest

from sightline.errors import DataError
from sightline.evaluate.identity import MEANING, digest, example_digest
from sightline.evaluate.result import Result
from tiny_embedder import RGB, colour_embedder, example, source_of


def measure(**changes: Any) -> Result:
    from sightline.evaluate import run

    source = source_of(example("a", RGB["red"], "red"), example("b", RGB["blue"], "blue"))
    return run(colour_embedder(**changes), source)


def test_a_digest_does_not_depend_on_order_but_on_how_often() -> None:
    assert digest(["a", "b"]) == digest(["b", "a"])
    assert digest(["a", "b"]) != digest(["a", "b", "b"])
    assert digest(["ab"]) != digest(["a", "b"])


def test_every_part_of_an_example_is_in_its_digest() -> None:
    whole = example_digest("k", b"i", ("t",), "l", [("f", "v")])
    others = [
        example_digest("K", b"i", ("t",), "l", [("f", "v")]),
        example_digest("k", b"I", ("t",), "l", [("f", "v")]),
        example_digest("k", b"i", ("t", "t"), "l", [("f", "v")]),
        example_digest("k", b"i", ("t",), None, [("f", "v")]),
        example_digest("k", b"i", ("t",), "l", []),
    ]
    assert len({whole, *others}) == 6


def test_every_metric_has_a_meaning() -> None:
    kinds = {name.split("/")[0] for name in measure().metrics}
    assert kinds <= set(MEANING)


def test_a_model_without_a_fingerprint_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        measure(identify=lambda: "")
    assert str(caught.value) == (
        "a result needs the fingerprint of its model: give the embedder one"
    )
