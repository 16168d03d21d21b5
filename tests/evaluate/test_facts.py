from pathlib import Path

import pytest

from sightline.errors import DataError
from sightline.evaluate.facts import read_facts
from tiny_card import FACTS


def test_the_facts_of_the_bundled_model_hold_together() -> None:
    path = Path(__file__).parents[2] / "recipes" / "bundled-card.toml"
    facts = read_facts(path)
    assert facts.pictures is not None
    folder = path.parent / facts.pictures.folder
    assert all((folder / photo.file).is_file() for photo in facts.pictures.photos)
    assert facts.pictures.dataset in facts.training_distribution
    pictures = [each for each in facts.data if "no pictures" not in each.name]
    assert len(pictures) == len(facts.data) - 1  # the teacher of likeness between names
    assert sum(each.samples for each in pictures) == 118814  # all training images there are


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_facts(path)
    return str(caught.value)


def test_terms_that_are_not_given_are_those_that_allow_least(tmp_path: Path) -> None:
    path = tmp_path / "facts.toml"
    path.write_text(FACTS)
    facts = read_facts(path)
    assert facts.license_name == "non-commercial-research"
    assert facts.terms == "For non-commercial research only."


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "facts.toml"
    assert refusal(path) == (
        f"facts cannot be read from {path} (No such file or directory): check it"
    )


@pytest.mark.parametrize(
    ("was", "becomes", "reason"),
    [
        ("title =", "titel =", "Object contains unknown field `titel`"),
        ("CC0-1.0", "all rights reserved", "Invalid enum value 'all rights reserved'"),
        ('seen = "no"', 'seen = "perhaps"', "Invalid enum value 'perhaps'"),
        ("samples = 1200", 'samples = "many"', "Expected `int`, got `str`"),
    ],
)
def test_what_is_not_understood_is_refused(
    tmp_path: Path, was: str, becomes: str, reason: str
) -> None:
    path = tmp_path / "facts.toml"
    path.write_text(FACTS.replace(was, becomes))
    assert refusal(path).startswith(f"{path} is not a facts file ({reason}")
    assert refusal(path).endswith("): correct it")
