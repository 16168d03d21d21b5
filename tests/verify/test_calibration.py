"""Eight bits of the bundled model, calibrated on real photos and words."""

from pathlib import Path

import numpy as np
import pytest

from photo_crops import photo_source
from planted_towers import bundled, reference
from sightline.errors import DataError
from sightline.runtime.choosing import Choice
from sightline.runtime.openvino_towers import OpenVinoTowers
from sightline.runtime.ranges import Ranges
from sightline.verify import calibration
from sightline.verify.calibration import calibrate
from tiny_embedder import source_of

PHOTOS = sorted(Path(__file__).parents[2].glob("photos/*.jpg"))


@pytest.fixture(scope="module")
def ranges() -> Ranges:
    return calibrate(bundled(), photo_source(every=5))


def test_the_bundled_model_stays_near_in_eight_bits(ranges: Ranges) -> None:
    choice = Choice(runtime="openvino", precision="int8", why="asked for", ranges=ranges)
    towers = OpenVinoTowers(bundled(), choice, threads=1)
    recipe = bundled().spec.pixels
    from sightline import images

    pixels = np.stack([recipe.apply(images.read(path)) for path in PHOTOS[:8]])
    exact, found = (one.image(pixels) for one in (reference().towers, towers))
    cosines = (exact * found).sum(axis=1) / (
        np.linalg.norm(exact, axis=1) * np.linalg.norm(found, axis=1)
    )
    assert 0.99 < cosines.min() < 1 - 1e-6


def test_only_the_first_pictures_are_looked_at(
    ranges: Ranges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "PICTURES", 3)
    done: list[int] = []
    few = calibrate(bundled(), photo_source(every=5), on_progress=done.append)
    assert done == [3]
    assert few.by_name.keys() == ranges.by_name.keys()
    assert few.digest != ranges.digest
    assert all(few.by_name[name].high <= ranges.by_name[name].high * 3 for name in few.by_name)


def test_an_empty_source_is_a_sentence() -> None:
    with pytest.raises(DataError):
        calibrate(bundled(), source_of())
