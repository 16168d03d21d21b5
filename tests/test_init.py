import subprocess
import sys

import pytest

import sightline


def test_every_public_name_is_where_the_table_says() -> None:
    for name in sightline.__all__:
        assert getattr(sightline, name).__name__ == name


def test_a_name_that_is_not_ours_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'sightline' has no attribute 'lode'$"):
        _ = sightline.lode


def test_public_names_are_listed_before_they_are_imported() -> None:
    assert set(sightline.__all__) <= set(dir(sightline))


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sightline, sys; print([m for m in ('numpy', 'PIL', 'msgspec') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
