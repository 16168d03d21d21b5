from pathlib import Path

import pytest
from PIL import Image

from sightline import images
from sightline.measure.photos import READ, SIZES, made_photos


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    return made_photos(tmp_path_factory.mktemp("photos"))


@pytest.mark.parametrize("kind", SIZES)
def test_there_is_a_batch_of_each_size(made: dict[str, list[Path]], kind: str) -> None:
    (width, height), count = SIZES[kind]
    assert len(made[kind]) == READ
    assert len(set(made[kind])) == count
    assert images.read(made[kind][0]).shape == (height, width, 3)


@pytest.mark.parametrize("kind", SIZES)
def test_files_are_as_large_as_photos_are(made: dict[str, list[Path]], kind: str) -> None:
    """An empty picture would decode several times as fast."""
    (width, height), _ = SIZES[kind]
    assert 0.1 < made[kind][0].stat().st_size / (width * height) < 0.4


def test_control_a_picture_without_grain_is_too_small_a_file(tmp_path: Path) -> None:
    Image.new("RGB", (640, 480), "teal").save(tmp_path / "plain.jpg", quality=90)
    assert (tmp_path / "plain.jpg").stat().st_size / (640 * 480) < 0.1
