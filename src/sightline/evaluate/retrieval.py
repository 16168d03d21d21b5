"""Recall of finding images by captions and captions by images. Enter at `retrieval_figures`."""

import numpy as np

from sightline.evaluate.figures import Figures
from sightline.evaluate.intervals import Estimate, wilson, wilson_clustered
from sightline.evaluate.metrics import caption_ranks, image_ranks
from sightline.shapes import Float32, Int64

CUTOFFS = (1, 5, 10)


def retrieval_figures(
    images: Float32[np.ndarray, "images embed_dim"],
    captions: Float32[np.ndarray, "captions embed_dim"],
    owners: Int64[np.ndarray, " captions"],
) -> Figures:
    """Measure recall at 1, 5 and 10 both ways; a cut-off that covers everything is left out.

    Args:
        images: Unit vectors.
        captions: Unit vectors; every image has at least one.
        owners: The row of `images` that each caption describes.
    """
    metrics: dict[str, Estimate] = {}
    sizes = np.bincount(owners, minlength=len(images)).astype(np.int64)
    text_to_image = caption_ranks(images, captions, owners)
    for k in CUTOFFS:
        if k < len(images):
            found = np.bincount(owners[text_to_image < k], minlength=len(images)).astype(np.int64)
            metrics[f"image_retrieval_recall@{k}"] = wilson_clustered(found, sizes)
    image_to_text = image_ranks(images, captions, owners)
    for k in CUTOFFS:
        if k < len(images):
            hits = int((image_to_text < k).sum())
            metrics[f"text_retrieval_recall@{k}"] = wilson(hits, len(images))
    return Figures(metrics=metrics)
