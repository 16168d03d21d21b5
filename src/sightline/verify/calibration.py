"""Calibrate a model for towers in eight bits on real pictures and texts. Enter at `calibrate`."""

from itertools import islice

import msgspec

from sightline.checkpoints import Checkpoint
from sightline.data import Source
from sightline.embedder import embedder_of
from sightline.evaluate.gather import OnProgress
from sightline.runtime.calibrating import WatchedTowers
from sightline.runtime.ranges import Ranges

PICTURES = 512  # extremes of more hardly differ: 300 and 600 gave the same figures
BATCH = 16


def calibrate(
    checkpoint: Checkpoint, source: Source, *, on_progress: OnProgress | None = None
) -> Ranges:
    """Return how far the numbers inside both towers go on the first pictures of a source.

    Args:
        checkpoint: An opened model.
        source: Pictures with captions or labels, like those that will come; others than those a
            certificate is measured on.
        on_progress: Called with the number of pictures done since its last call.

    Raises:
        CheckpointError: The source holds no example, or no picture that can be read.
    """
    towers = WatchedTowers(checkpoint)
    exact = embedder_of(checkpoint, runtime="onnxruntime", precision="float32")
    embedder = msgspec.structs.replace(exact, towers=towers)
    examples = islice(iter(source), PICTURES)
    while batch := list(islice(examples, BATCH)):
        for _ in embedder.stream((one.key, one.image) for one in batch):
            pass
        embedder.embed_texts([text for one in batch for text in one.texts], long="cut")
        if on_progress is not None:
            on_progress(len(batch))
    return towers.ranges()
