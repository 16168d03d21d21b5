"""Numbers that a spec may hold: a stranger's file says what it likes. Enter at `require_layers`."""

import math

from sightline.errors import SpecError

MOST_LAYERS = (
    1024  # the largest published tower has 64; every layer is work before anything is read
)


def require_positive(where: str, **values: int | float) -> None:
    """Refuse a number that is not above zero, by name.

    Raises:
        SpecError: Names the field and its value.
    """
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise SpecError(f"{where} {name} is {value}: give a positive number")


def require_layers(where: str, *counts: int, least: int = 0) -> None:
    """Refuse a number of layers, or of blocks in a stage, that no network has.

    Raises:
        SpecError: Names the tower and the count.
    """
    for count in counts:
        if not least <= count <= MOST_LAYERS:
            raise SpecError(f"{where} layers is {count}: give {least} to {MOST_LAYERS}")
