"""A model's variants may lie in two places: what passed counts, wherever it lies."""

from pathlib import Path

import msgspec
import pytest

from sightline import settings
from sightline.checkpoints import Checkpoint, read
from sightline.errors import CertificateError, CheckpointError
from sightline.runtime.certificate import NAME, own_place, write_certificate
from sightline.runtime.choosing import choose
from sightline.runtime.ranges import Range, Ranges
from sightline.runtime.ranges_file import write_ranges
from sightline.runtime.variants import certified, engine_now, find_ranges
from tiny_certificates import certificate
from tiny_models import write_tiny_model

VARIANT = "onnxruntime-int8"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    home = settings.home()
    assert home is not None
    (home / "variants").mkdir(parents=True)
    return read(write_tiny_model(tmp_path / "model"))


@pytest.fixture(params=["beside", "home"])
def places(request: pytest.FixtureRequest, checkpoint: Checkpoint) -> tuple[Path, Path]:
    """Return where the good one lies, and where the other does."""
    both = checkpoint.folder / "towers" / VARIANT, own_place(checkpoint) / VARIANT
    return both if request.param == "beside" else both[::-1]


def keep(place: Path, checkpoint: Checkpoint, high: float, version: str | None = None) -> Ranges:
    """Leave ranges and a certificate that speaks of them, for this or another version."""
    place.mkdir(parents=True)
    ranges = Ranges({"image.stem.conv": Range(-1.0, high)})
    write_ranges(ranges, place / "ranges.safetensors")
    engine = engine_now("onnxruntime", "int8")
    if version is not None:
        engine = msgspec.structs.replace(engine, version=version)
    found = certificate(fingerprint=checkpoint.fingerprint, candidate=engine, recipe=ranges.digest)
    write_certificate(found, place / NAME)
    return ranges


def test_an_outdated_certificate_does_not_hide_another(
    checkpoint: Checkpoint, places: tuple[Path, Path]
) -> None:
    good, other = places
    wanted = keep(good, checkpoint, 2.0)
    keep(other, checkpoint, 3.0, version="0.1")
    choice = choose(checkpoint, runtime="onnxruntime", precision="int8", device="cpu")
    assert choice.ranges is not None
    assert choice.ranges.digest == wanted.digest
    assert "; certified on " in choice.why


def test_damaged_ranges_do_not_hide_others(
    checkpoint: Checkpoint, places: tuple[Path, Path]
) -> None:
    good, other = places
    wanted = keep(good, checkpoint, 2.0)
    other.mkdir(parents=True)
    (other / "ranges.safetensors").write_bytes(b"none")
    assert find_ranges(checkpoint, "onnxruntime").digest == wanted.digest
    (good / "ranges.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"ranges\.safetensors"):
        find_ranges(checkpoint, "onnxruntime")


def test_where_none_passes_what_was_made_here_is_told(checkpoint: Checkpoint) -> None:
    home, beside = own_place(checkpoint) / VARIANT, checkpoint.folder / "towers" / VARIANT
    mine = keep(home, checkpoint, 2.0, version="0.2")
    keep(beside, checkpoint, 3.0, version="0.1")
    assert find_ranges(checkpoint, "onnxruntime").digest == mine.digest
    with pytest.raises(CertificateError, match=r"another version of the runtime, 0\.2 instead of"):
        certified(checkpoint, engine_now("onnxruntime", "int8"), mine.digest)
