"""Archives as OpenAI's code reads them, and what it says of them: `parity_process.py` runs this.

Its package, `openai-clip` on PyPI, is from 2022: it asks setuptools for a module that setuptools
has dropped, so that one stands in for it here. Enter at `CASES`.
"""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import packaging.version  # bound to the name `packaging`, which clip takes it from
import torch

from parity_reference import (
    WRITTEN,
    Batch,
    Make,
    Opened,
    Stages,
    Watch,
    array,
    draw,
    pictures,
    watching,
)


def import_clip() -> Any:
    """Import OpenAI's package."""
    standin = ModuleType("pkg_resources")
    standin.packaging = packaging  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = standin
    try:
        import clip  # type: ignore[import-untyped]
    finally:
        del sys.modules["pkg_resources"]
    return clip


WATCHES = (
    Watch("visual.transformer.resblocks.0", "image tokens", taken=True),
    Watch("visual.transformer.resblocks.{}", "image block {}"),
    Watch("transformer.resblocks.0", "text tokens", taken=True),
    Watch("transformer.resblocks.{}", "text block {}"),
    Watch("visual.avgpool", "image tokens"),
    *(Watch(f"visual.layer{stage + 1}", f"image block {stage}") for stage in range(4)),
)
SMALL: Mapping[str, Any] = {
    "embed_dim": 128,
    "image_resolution": 64,
    "vision_layers": 2,
    "vision_width": 128,
    "vision_patch_size": 16,
    "context_length": 16,
    "vocab_size": 49408,
    "transformer_width": 128,
    "transformer_heads": 2,
    "transformer_layers": 2,
}
B32 = {
    "embed_dim": 512,
    "image_resolution": 224,
    "vision_layers": 12,
    "vision_width": 768,
    "vision_patch_size": 32,
    "context_length": 77,
    "vocab_size": 49408,
    "transformer_width": 512,
    "transformer_heads": 8,
    "transformer_layers": 12,
}
RN50 = {
    **B32,
    "embed_dim": 1024,
    "vision_layers": (3, 4, 6, 3),
    "vision_width": 64,
    "vision_patch_size": None,
}
RESNET = {**SMALL, "vision_layers": (1, 2, 1, 1), "vision_width": 8, "vision_patch_size": None}


def written(numbers: Mapping[str, Any], folder: Path, *, script: bool) -> Opened:
    """Save a drawn network as one of two things that `clip.load` opens, and open it with that.

    Args:
        numbers: Of the architecture.
        folder: Where.
        script: A TorchScript archive, as OpenAI published them all, or a state dict.
    """
    clip = import_clip()
    network = clip.model.CLIP(**numbers)
    draw(network)
    path = folder / "model.pt"
    for name in ("context_length", "vocab_size"):
        delattr(network, name)
    signs = {"input_resolution": numbers["image_resolution"]}
    signs |= {name: numbers[name] for name in ("context_length", "vocab_size")}
    for name, number in signs.items():
        network.register_buffer(name, torch.tensor(number))
    clip.model.convert_weights(network)  # to the mixture that is published; `build_model` does so
    if script:
        save_script(network.eval(), path, signs)
    else:
        torch.save(network.state_dict(), path)
    preprocess = clip.clip._transform(signs["input_resolution"])
    pixels = np.stack([preprocess(one).numpy() for one in pictures()])
    rows = clip.tokenize(list(WRITTEN), context_length=signs["context_length"])
    batch = Batch(pixels, rows.numpy().astype(np.int64), WRITTEN)
    # No bfloat16: OpenAI's code knows whole and half precision.
    precisions = ("float32", "float16")
    return Opened(batch=batch, stages=partial(stages, path, script), precisions=precisions)


def save_script(network: Any, path: Path, signs: Mapping[str, int]) -> None:
    """Trace a network and save it as TorchScript."""
    pixels = torch.zeros(1, 3, signs["input_resolution"], signs["input_resolution"])
    ids = torch.zeros(1, signs["context_length"], dtype=torch.int64)
    trace: Any = torch.jit.trace
    trace(network, (pixels, ids), check_trace=False).save(str(path))


def opened(path: Path, script: bool, precision: str) -> Any:
    """Open an archive as anyone would.

    Of a state dict that is `build_model`: `clip.load` reads the file to its end to see that it is
    no TorchScript, and then goes on from there.
    """
    clip = import_clip()
    if precision == "float32" and script:
        return clip.load(str(path), device="cpu")[0]  # in float32, as it always is on a CPU
    load: Any = torch.jit.load if script else torch.load
    loaded = load(str(path))
    loaded = loaded.state_dict() if script else loaded
    network = clip.model.build_model(loaded)
    return network if precision == "float16" else network.float()


def stages(path: Path, script: bool, precision: str, batch: Batch) -> Stages:
    """Note all that an archive says of a batch."""
    network = opened(path, script, precision)
    pixels, ids = batch.tensors(precision)
    with watching(network, WATCHES) as seen:
        image, text = network.encode_image(pixels), network.encode_text(ids)
    found = {name: turned(name, one, batch) for name, one in seen.items()}
    logits, _ = network(pixels, ids)
    found |= {"image projected": array(image), "text projected": array(text)}
    found["logits"] = array(logits / network.logit_scale.exp())
    identity = torch.eye(network.ln_final.weight.shape[0], dtype=network.text_projection.dtype)
    network.text_projection = torch.nn.Parameter(identity)
    found["text pooled"] = array(network.encode_text(ids))
    if hasattr(network.visual, "proj"):
        network.visual.proj = None
        found["image pooled"] = array(network.encode_image(pixels))
    return found


def turned(name: str, tokens: np.ndarray, batch: Batch) -> np.ndarray:
    """Put images or texts first: OpenAI's blocks have the tokens on the first axis."""
    rows = len(batch.pixels if name.startswith("image") else batch.ids)
    return tokens if len(tokens) == rows else tokens.swapaxes(0, 1)


CASES: Mapping[str, Make] = {
    "ViT, TorchScript": partial(written, SMALL, script=True),
    "ViT, state dict": partial(written, SMALL, script=False),
    "ResNet, TorchScript": partial(written, RESNET, script=True),
}
FULL: Mapping[str, Make] = {
    "ViT-B-32": partial(written, B32, script=True),
    "RN50": partial(written, RN50, script=True),
}
