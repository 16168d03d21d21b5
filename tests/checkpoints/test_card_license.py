"""Licences of cards: as declared, or unknown; the same as a YAML reader's where it is a word."""

import pytest

from sightline.checkpoints.card_license import license_of


@pytest.mark.parametrize(
    ("front", "license_name"),
    [
        ("license: mit", "mit"),
        ("tags: [a]\nlicense: 'apache-2.0'", "apache-2.0"),
        ('license: "mit" # ours', "mit"),
        ("license: mit # c", "mit"),
        ("license: Apache 2.0\r\nlanguage: en", "Apache 2.0"),
        ("license:\n- mit\n- cc0-1.0\ntags:\n- clip", "mit, cc0-1.0"),
        ("license:\n  # both\n  - mit\n\n  - 'cc0-1.0'", "mit, cc0-1.0"),
        ("license: [mit, 'cc0-1.0']", "mit, cc0-1.0"),
        ("license: other\nlicense_name: apple-ascl\nlicense_link: x", "apple-ascl"),
        ("license_name: apple-ascl\nlicense: other", "apple-ascl"),
        ("license: other\nlicense_link: LICENSE", "other"),
        ("license:\nlanguage: en", "unknown"),
        ("license: null", "unknown"),
        ("license: >\n  mit", "unknown"),
        ("license: mit\n  but not for all", "unknown"),
        ("license: {name: mit}", "unknown"),
        ("license:\n  name: mit", "unknown"),
        ("license: mit\nlicense: gpl", "unknown"),
        ("licenses: mit", "unknown"),
        ("  license: mit", "unknown"),
    ],
)
def test_a_licence_is_what_the_card_declares_or_unknown(front: str, license_name: str) -> None:
    assert license_of(f"---\n{front}\n---\n# Model\n") == license_name


@pytest.mark.parametrize("card", ["", "# Model\nlicense: mit", "---\nlicense: mit\n"])
def test_a_card_without_its_first_part_declares_none(card: str) -> None:
    assert license_of(card) == "unknown"
