"""What the modules that ask a reference library share: weights, batches, stages. Enter at `Opened`.

Each of them has a table of cases, and `parity_process.py` runs it in a process of its own.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from reference_weights import randomise

Stages: TypeAlias = dict[str, np.ndarray]  # a stage's name → float32, an image or a text a row

# Width and height; the second is one of those whose crops round apart.
SIZES = (
    (40, 36),
    (33, 49),
    (64, 64),
    (91, 53),
    (57, 94),
)
# Plain: where the libraries clean alike. `tests/spec/test_clean.py` has the rules they differ by.
PLAIN = (
    "a photo of a cat",
    "two dogs",
    "",
    "the quick brown fox jumps over a lazy dog",
    "a cup of coffee",
)
# For those that lower and close up. Without "!", which transformers takes for a pad where it pads
# with it, as many conversions of CLIP do.
WRITTEN = (*PLAIN, "A Photo  of a CAT, it's HERE.")


LOUD = (
    (r"embed|visual\.conv1", 0.05),
    (r"attnpool\.[qk]_proj\.weight", 30),
    (r"(fc2|mlp\.c_proj)\.weight", 3),
)


class Watch(msgspec.Struct, frozen=True):
    """Where in a network a stage can be seen."""

    module: str  # its path; `{}` stands for a number
    stage: str  # with the same number
    taken: bool = False  # what goes into the module, not what comes out of it


class Batch(msgspec.Struct, frozen=True):
    """What both networks are given."""

    pixels: np.ndarray  # (images, 3, height, width) float32
    ids: np.ndarray  # (captions, context_length) int64
    texts: tuple[str, ...]

    def tensors(self, precision: str) -> tuple[Tensor, Tensor]:
        """Return pixels in a network's precision, and ids."""
        pixels = torch.from_numpy(self.pixels).to(getattr(torch, precision))
        return pixels, torch.from_numpy(self.ids)


def draw(network: nn.Module) -> None:
    """Fill a network so that everything a spec says shows, in half precision too.

    What enters the first norm is small, so that a wrong eps shows; a ResNet's pool is sharp, so
    that it matters who attends; and what an activation made outweighs what went around it.
    """
    with torch.no_grad():
        randomise(network)
        for name, tensor in network.state_dict().items():
            for pattern, factor in LOUD:
                if re.search(pattern, name):
                    tensor.mul_(factor)


def pictures() -> list[Image.Image]:
    """Draw pictures of odd sizes, the same for every library."""
    chance = np.random.default_rng(0)
    coarse = [chance.integers(0, 256, (h // 4, w // 4, 3), dtype=np.uint8) for w, h in SIZES]
    drawn = zip(coarse, SIZES, strict=True)
    return [Image.fromarray(one).resize(size, Image.Resampling.BICUBIC) for one, size in drawn]


def array(tensor: Tensor) -> np.ndarray:
    """Return a tensor of any precision in float32."""
    return tensor.detach().float().numpy()


@contextmanager
def watching(network: nn.Module, watches: Sequence[Watch]) -> Iterator[Stages]:
    """Note what passes the watched modules while the context lasts."""
    found: Stages = {}
    hooks = []
    for path, module in network.named_modules():
        for watch in watches:
            number = re.fullmatch(re.escape(watch.module).replace(r"\{\}", r"(\d+)"), path)
            if number is not None:
                stage = watch.stage.format(*number.groups())
                hooks.append(module.register_forward_hook(_noting(found, stage, watch.taken)))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _noting(found: Stages, stage: str, taken: bool) -> Callable[[Any, Any, Any], None]:
    """Return a hook that keeps what goes in or comes out."""

    def note(module: nn.Module, given: tuple[Any, ...], made: Any) -> None:
        found[stage] = array(given[0] if taken else made)

    return note


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A case that a library wrote and opened again."""

    batch: Batch
    stages: Callable[[str, Batch], Stages]  # in a precision
    precisions: tuple[str, ...] = ("float32", "bfloat16", "float16")


Make: TypeAlias = Callable[[Path], Opened]  # writes a case into a folder, and opens it
