"""A network to load weights into: the same tensors, none of them drawn, and nothing imported."""

import subprocess
import sys

import pytest

from sightline.model import CLIP
from sightline.model.undrawn import undrawn
from tiny_towers import SPECS

KINDS = ("CLIP", "SigLIP", "hybrid", "ResNet")


@pytest.mark.parametrize("name", KINDS)
def test_it_has_the_tensors_of_the_network_and_no_numbers(name: str) -> None:
    there = undrawn(SPECS[name]).state_dict()
    wanted = CLIP(SPECS[name]).state_dict()
    assert {key: value.shape for key, value in there.items()} == {
        key: value.shape for key, value in wanted.items()
    }
    assert all(value.is_meta for value in there.values())


BUILT = """
import sys, torch
from sightline.model import CLIP
from sightline.model.undrawn import undrawn
from tiny_towers import SPECS
{0}
print("torch._dynamo" in sys.modules)
"""


def imports_the_compiler(code: str) -> bool:
    ran = subprocess.run(
        [sys.executable, "-c", BUILT.format(code)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split() == ["True"]


def test_torch_s_compiler_stays_unimported() -> None:
    assert not imports_the_compiler("[undrawn(spec) for spec in SPECS.values()]")


def test_control_drawing_on_the_meta_device_imports_it() -> None:
    assert imports_the_compiler('with torch.device("meta"): CLIP(SPECS["CLIP"])')
