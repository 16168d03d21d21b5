"""The arithmetic of names and shapes, against the modules themselves."""

import msgspec
import pytest
import torch

from sightline.model import CLIP
from sightline.spec.architectures import ARCHITECTURES
from sightline.spec.inventory import is_counter, shapes
from sightline.spec.towers import Spec
from tiny_towers import SPECS

ALL = {**ARCHITECTURES, **SPECS}


def of_the_module(spec: Spec) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = CLIP(spec).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items() if not is_counter(name)}


@pytest.mark.parametrize("name", ALL)
def test_names_and_shapes_are_those_of_the_network(name: str) -> None:
    assert shapes(ALL[name]) == of_the_module(ALL[name])


def test_control_another_width_has_other_shapes() -> None:
    spec = SPECS["CLIP"]
    wider = msgspec.structs.replace(spec, image=msgspec.structs.replace(spec.image, mlp_width=64))
    assert shapes(wider) != of_the_module(spec)


def test_only_the_counter_of_a_batch_norm_may_be_missing() -> None:
    assert is_counter("image.stem.bn1.num_batches_tracked")
    assert not is_counter("image.stem.bn1.running_mean")
