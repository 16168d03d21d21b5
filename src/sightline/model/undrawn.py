"""The network without any numbers in it, to load weights into. Enter at `undrawn`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from sightline.model.clip import CLIP
from sightline.spec.towers import Spec

# Of torch's initialisers and of the methods that they end in
DRAWS = frozenset({"kaiming_normal_", "kaiming_uniform_", "normal_", "trunc_normal_", "uniform_"})


def undrawn(spec: Spec) -> CLIP:
    """Return the network a spec describes on the meta device, where nothing has been drawn.

    Args:
        spec: What the model is.
    """
    with torch.device("meta"), _NothingDrawn():
        return CLIP(spec)


class _NothingDrawn(TorchFunctionMode):
    """Leaves out whatever draws: on the meta device it makes no numbers and yet takes its time.

    The first call there makes torch 2.13 import its compiler, which takes over a second.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if func.__name__ in DRAWS:
            return args[0] if args else named["tensor"]
        return func(*args, **named)
