from pathlib import Path

import msgspec
import pytest

from measured import MACHINE
from sightline.measure import machine
from sightline.measure.machine import this_machine


def test_this_machine_has_cores_and_versions() -> None:
    found = this_machine()
    assert found.cores >= 1
    assert found.processor
    assert {"numpy", "onnxruntime"} <= found.versions.keys()


def test_the_processor_is_named_where_linux_names_it(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Abacus 2\n")
    assert machine._processor(tmp_path / "cpuinfo") == "Abacus 2"
    assert machine._processor(tmp_path / "missing")


def test_a_package_that_is_missing_has_no_version() -> None:
    assert machine._versions(("numpy", "no-such-package")).keys() == {"numpy"}


@pytest.mark.parametrize(("load", "is_busy"), [(None, False), (1.0, False), (1.1, True)])
def test_a_machine_is_busy_above_half_a_core_each(load: float | None, is_busy: bool) -> None:
    assert msgspec.structs.replace(MACHINE, load=load).is_busy is is_busy
