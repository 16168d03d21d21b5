"""Numbers that a spec may hold: a stranger's file says what it likes. Enter at `require_layers`."""

import math

from sightline.errors import SpecError

MOST_LAYERS = (
    1024  # the largest published tower has 64; every layer is work before anything is read
)
MOST_PX = 4096  # the largest published tower sees 512; a picture of 16,384 px has a gigabyte


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


def require_eps(where: str, norm_eps: float) -> None:
    """Refuse what a norm cannot add to a variance: 32 bits hold it, and it is small.

    Raises:
        SpecError: Names the tower and the number.
    """
    if not 0 < norm_eps < 1:
        raise SpecError(f"{where} norm_eps is {norm_eps}: give a number between 0 and 1")


def require_size(where: str, size_px: int) -> None:
    """Refuse the edge of a picture that no tower sees.

    Raises:
        SpecError: Names the field and the size.
    """
    if not 1 <= size_px <= MOST_PX:
        raise SpecError(f"{where} is {size_px}: give 1 to {MOST_PX} pixels")
