"""Are as many answers right as with the reference? Enter at `zero_shot` and `retrieval`."""

from collections.abc import Callable, Sequence

import numpy as np

from sightline.evaluate.figures import Described
from sightline.evaluate.metrics import blocks, caption_ranks, cosines, image_ranks, label_ranks
from sightline.runtime.parity_figures import Change, Recall, Retrieval, ZeroShot
from sightline.shapes import Float32, Int64
from sightline.verify.flips import Pair, flips
from sightline.verify.paired import change
from sightline.verify.seen import Seen

_FEWEST = 2  # of one class or one picture, any answer is right


def zero_shot(reference: Seen, candidate: Seen) -> ZeroShot | None:
    """Name the labelled pictures from the classes that occur; None where there are not two."""
    if len(reference.labels) < _FEWEST:
        return None
    place = {name: i for i, name in enumerate(reference.labels)}
    labelled = [(i, one.label) for i, one in enumerate(reference.examples) if one.label is not None]
    rows = [i for i, _ in labelled]
    truth = np.array([place[label] for _, label in labelled], dtype=np.int64)
    images = Pair(reference=reference.images[rows], candidate=candidate.images[rows])
    prompts = Pair(reference=reference.prompts, candidate=candidate.prompts)
    before = _right(images.reference, prompts.reference, truth)
    after = _right(images.candidate, prompts.candidate, truth)
    return ZeroShot(
        agreement=1.0 - flips(images, prompts).first_changed,
        accuracy=change(before, after, np.arange(len(truth))),
    )


def _right(
    images: Float32[np.ndarray, "images embed_dim"],
    classes: Float32[np.ndarray, "classes embed_dim"],
    truth: Int64[np.ndarray, " images"],
) -> np.ndarray:
    """Tell for each picture whether its own class scores above all others."""
    found = [
        label_ranks(cosines(images[block], classes), truth[block]) == 0
        for block in blocks(len(images), len(classes))
    ]
    return np.concatenate(found)


def captioned(examples: Sequence[Described]) -> list[tuple[int, tuple[str, ...]]]:
    """Return the places of pictures with captions, and these: a label alone is none.

    Args:
        examples: Of a source.
    """
    return [
        (place, one.texts)
        for place, one in enumerate(examples)
        if one.texts and (one.label is None or one.texts != (one.label,))
    ]


def retrieval(reference: Seen, candidate: Seen) -> Retrieval | None:
    """Search pictures and captions for each other; None where fewer than two have captions."""
    described = captioned(reference.examples)
    if len(described) < _FEWEST:
        return None
    row = {text: i for i, text in enumerate(reference.texts)}
    images = [place for place, _ in described]
    texts = [row[text] for _, captions in described for text in captions]
    owners = np.array([i for i, (_, found) in enumerate(described) for _ in found], dtype=np.int64)
    pairs = [(seen.images[images], seen.text_vectors[texts]) for seen in (reference, candidate)]

    def recall(ranks: Callable[..., np.ndarray], whose: np.ndarray) -> Recall:
        before, after = (ranks(*pair, owners) for pair in pairs)

        def at(cutoff: int) -> Change | None:
            if cutoff >= len(images):
                return None
            return change(before < cutoff, after < cutoff, whose)

        first = change(before < 1, after < 1, whose)
        return Recall(at_1=first, at_5=at(5), at_10=at(10))

    return Retrieval(
        image_to_text=recall(image_ranks, np.arange(len(images))),
        text_to_image=recall(caption_ranks, owners),
    )
