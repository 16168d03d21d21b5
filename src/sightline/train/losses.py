"""The losses a stage can name, each a function of one step. Enter at `LOSSES`."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.errors import DataError
from sightline.scoring.classes import fill
from sightline.spec.towers import Sigmoid
from sightline.train.batches import Group
from sightline.train.objective import relation_loss
from sightline.train.recipe import LossName
from sightline.train.score_blocks import agreement, pairs, softmax, two_way_softmax
from sightline.train.step import Step
from sightline.train.word_losses import all_words, words

MOST_NAMES = 256  # class names an image is held against in one step; all of them if not more
NAMES_AN_IMAGE = 16  # at most, so that a source of few images does not cost many texts
CAPTIONS_AN_IMAGE = 2


def contrast(step: Step) -> Tensor:
    """Return the contrast of images with class names and with captions, each in its source.

    Names of one source can be hypernyms of another's, so sources are never set against each other.
    """
    parts = []
    for group, images in step.groups("labels"):
        loss = _names_contrast(step, group, F.normalize(images, dim=-1))
        parts.append((len(images), loss))
    for group, images in step.groups("captions"):
        loss = _captions_contrast(step, group, F.normalize(images, dim=-1))
        parts.append((len(images), loss))
    return step.mean_over_images(parts)


def _names_contrast(step: Step, group: Group, images: Tensor) -> Tensor:
    names = step.catalog.names[group.part.name]
    own = {str(example.label) for example in group.examples}
    most = min(MOST_NAMES, NAMES_AN_IMAGE * len(images))
    if len(names) > most:
        others = [names[i] for i in step.pick(most, len(names))]
        names = tuple(sorted(own | set(others[: max(most - len(own), 0)])))
    template = step.wording()
    texts = step.encoder([fill(template, name) for name in names])
    place = {name: column for column, name in enumerate(names)}
    column = torch.tensor([place[str(example.label)] for example in group.examples])
    positive = F.one_hot(column, len(names)).bool().to(images.device)
    if isinstance(step.model.spec.head, Sigmoid):
        return pairs(step.score(texts), images, positive)
    return softmax(step.score(texts), images, positive, step.smoothing)


def _captions_contrast(step: Step, group: Group, images: Tensor) -> Tensor:
    texts: list[str] = []
    owner: list[int] = []
    for row, example in enumerate(group.examples):
        for chosen in step.pick(CAPTIONS_AN_IMAGE, len(example.texts)):
            texts.append(example.texts[chosen])
            owner.append(row)
    # A caption that two pictures share belongs to both.
    owners: dict[str, list[int]] = {}
    for row, text in zip(owner, texts, strict=True):
        owners.setdefault(text, []).append(row)
    belongs = np.zeros((len(images), len(texts)), dtype=bool)
    for column, text in enumerate(texts):
        belongs[owners[text], column] = True
    positive = torch.from_numpy(belongs).to(images.device)
    score = step.score(step.encoder(texts))
    if isinstance(step.model.spec.head, Sigmoid):
        return pairs(score, images, positive)
    return two_way_softmax(score, images, positive)


def class_head(step: Step) -> Tensor:
    """Return the cross entropy of a linear head over each source's classes, dropped at the end.

    It teaches the image tower from the first step on, while text still says little.
    """
    parts = []
    for group, images in step.groups("labels"):
        names = step.catalog.names[group.part.name]
        place = {name: column for column, name in enumerate(names)}
        target = torch.tensor([place[str(example.label)] for example in group.examples])
        logits = step.heads[group.part.name](images)
        loss = F.cross_entropy(logits, target.to(images.device), label_smoothing=step.smoothing)
        parts.append((len(images), loss))
    return step.mean_over_images(parts)


def paraphrase(step: Step) -> Tensor:
    """Return the agreement of two captions of the same picture, against other pictures'."""
    captions = [texts for texts in step.catalog.captions if len(texts) > 1]
    if len(captions) < 2:
        raise DataError("the paraphrase loss needs pictures with two captions: leave it out")
    chosen = [captions[i] for i in step.pick(step.count, len(captions))]
    twice = [[texts[i] for i in step.pick(2, len(texts))] for texts in chosen]
    vectors = step.encoder([first for first, _ in twice] + [second for _, second in twice])
    return agreement(vectors[: len(twice)], vectors[len(twice) :])


def names_apart(step: Step) -> Tensor:
    """Return the agreement of two wordings of the same name, against other names."""
    chosen = _some_names(step)
    first, second = step.wording(), step.wording()
    vectors = step.encoder([fill(t, name) for t in (first, second) for name in chosen])
    return agreement(vectors[: len(chosen)], vectors[len(chosen) :])


def relations(step: Step) -> Tensor:
    """Return how far likeness between names is from the teacher's."""
    teacher = step.catalog.teacher
    assert teacher is not None  # the recipe was checked
    chosen = step.pick(step.count, len(teacher.names))
    template = step.wording()
    vectors = step.encoder([fill(template, teacher.names[i]) for i in chosen])
    return relation_loss(vectors, torch.from_numpy(teacher.vectors[chosen]).to(vectors.device))


def _some_names(step: Step) -> list[str]:
    names = step.catalog.all_names
    return [names[i] for i in step.pick(step.count, len(names))]


LOSSES: Mapping[LossName, Callable[[Step], Tensor]] = {
    "contrast": contrast,
    "class_head": class_head,
    "words": words,
    "all_words": all_words,
    "paraphrase": paraphrase,
    "names_apart": names_apart,
    "relations": relations,
}
