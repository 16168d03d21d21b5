"""A tower as ONNX bytes, made from the spec and pointing into the weights. Enter at `build`."""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Literal, TypeAlias

from sightline.checkpoints import Checkpoint
from sightline.errors import CheckpointError
from sightline.runtime.graph_image import add_image
from sightline.runtime.graph_text import add_text
from sightline.runtime.located import Located, beside
from sightline.runtime.model_graph import ModelGraph

Tower: TypeAlias = Literal["image", "text", "patches"]
TOWERS: tuple[Tower, ...] = ("image", "text", "patches")

FILES: Mapping[Tower, str] = {tower: f"{tower}.onnx" for tower in TOWERS}
BINDING = "sightline.binding"  # the key under which a graph says what it belongs to
REVISION = 1  # of the graphs made here; a new one makes older files those of another model


def build(checkpoint: Checkpoint, tower: Tower, found: Located | None = None) -> bytes:
    """Make the graph of one tower: free batch, and free length where the tower may be trimmed.

    Args:
        checkpoint: An opened model.
        tower: Which one.
        found: Where the weights are, for a graph that is used at once; None is beside the graph,
            which then says whose it is.

    Raises:
        CheckpointError: The weights are not the ones the spec describes.
    """
    graph = ModelGraph(checkpoint.weights, found or beside(checkpoint.weights))
    return complete(
        graph, checkpoint, tower, {BINDING: binding(checkpoint)} if found is None else {}
    )


def complete(
    graph: ModelGraph, checkpoint: Checkpoint, tower: Tower, metadata: Mapping[str, str]
) -> bytes:
    """Fill an empty graph of any kind with a tower.

    Raises:
        CheckpointError: The weights are not the ones the spec describes.
    """
    spec = checkpoint.spec
    if tower == "text":
        length = "tokens" if spec.text.may_trim else spec.words.context_length
        graph.output("vector", add_text(graph, spec, "ids"), ("captions", spec.embed_dim))
        _check_left_over(checkpoint, "text.", graph.used)
        return graph.finish(("ids", "int64", ("captions", length)), metadata)
    size = spec.image.size_px
    vectors = add_image(graph, spec, "pixels", patches=tower == "patches")
    if tower == "image":  # patches go past parts of the pool
        _check_left_over(checkpoint, "image.", graph.used)
    each = (spec.image.grid**2,) if tower == "patches" else ()
    graph.output("vector", vectors, ("images", *each, spec.embed_dim))
    return graph.finish(("pixels", "float32", ("images", 3, size, size)), metadata)


def binding(checkpoint: Checkpoint) -> str:
    """Return what ties a graph to one weights file: the model, and where its tensors lie.

    The same tensors behind another header have other offsets: a graph would read noise.
    """
    parts = (checkpoint.fingerprint, checkpoint.weights.layout, str(REVISION))
    return sha256(" ".join(parts).encode()).hexdigest()


def _check_left_over(checkpoint: Checkpoint, prefix: str, used: Collection[str]) -> None:
    """Refuse tensors that nothing reads: they say that the spec is not these weights' own."""
    left_over = [
        name
        for name in checkpoint.weights.names()
        if name not in used
        and (name.startswith(prefix) or not name.startswith(("image.", "text.", "logit_")))
        and not name.endswith(".num_batches_tracked")  # a counter of training
    ]
    if left_over:
        raise CheckpointError(
            f"{checkpoint.weights.path} has {len(left_over)} tensors that its spec knows nothing "
            f"of ({', '.join(left_over[:3])}): its weights do not belong to its spec"
        )
