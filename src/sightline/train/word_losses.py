"""Losses that teach single words, those of captions, labels and broader names."""

from collections.abc import Sequence, Set

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.scoring.classes import fill
from sightline.shapes import Bool
from sightline.spec.towers import Sigmoid
from sightline.train.objective import true_words_loss
from sightline.train.score_blocks import pairs, softmax
from sightline.train.step import Step

WORDS_AN_IMAGE = 2
RIVALS = 256  # names of all sources that pictures are held against while texts learn


def words(step: Step) -> Tensor:
    """Return the contrast of images with single words, those of captions and broader names.

    It teaches the short names that people type, which whole captions teach only in company and
    narrow labels not at all (Joulin et al., arXiv 1511.02251). Rare words are drawn more often
    than they occur. Words of one source are never set against another's.
    """
    parts = []
    for group, images in (*step.groups("captions"), *step.groups("labels")):
        own = [step.catalog.book.said_of(group.part, example) for example in group.examples]
        drawn = sorted({word for each in own for word in _draw_words(step, each)})
        if not drawn:
            continue
        template = step.wording()
        score = step.score(step.encoder([fill(template, word) for word in drawn]))
        positive = torch.tensor([[word in each for word in drawn] for each in own])
        loss_of = pairs if isinstance(step.model.spec.head, Sigmoid) else softmax
        loss = loss_of(score, F.normalize(images, dim=-1), positive.to(images.device))
        parts.append((len(images), loss))
    return step.mean_over_images(parts)


def _draw_words(step: Step, own: Set[str]) -> list[str]:
    """Draw a few of a picture's words, each with a chance of one over the root of its count."""
    among = sorted(own)
    weights = np.array([step.catalog.book.counts[word] for word in among]) ** -0.5
    return [among[i] for i in step.draw(WORDS_AN_IMAGE, weights)]


def all_words(step: Step) -> Tensor:
    """Return the contrast of each picture's words with false ones, whatever source has them.

    Nothing else says how a word of one source compares with a word of another on the same picture,
    which is what a user's list of labels asks. Each word's logit is raised by the logarithm of how
    common it is, so that the vectors need not prefer common words themselves (logit adjustment,
    Menon et al., arXiv 2007.07314, equation 10).
    """
    groups = [*step.groups("captions"), *step.groups("labels")]
    book = step.catalog.book
    true = [book.true_of(group.part, example) for group, _ in groups for example in group.examples]
    among, is_rival = _draw_among(step, true)
    template = step.wording()
    score = step.score(step.encoder([fill(template, book.names[place]) for place in among]))
    logits = score(F.normalize(torch.cat([images for _, images in groups]), dim=-1))
    false = ~book.not_false(true, among) & is_rival
    return true_words_loss(
        logits + torch.from_numpy(book.prior[among]).to(logits.device),
        torch.from_numpy(book.attention(true, among)).to(logits.device),
        torch.from_numpy(false).to(logits.device),
        share=float(is_rival.sum()) / len(book.names),
    )


def _draw_among(
    step: Step, true: Sequence[Set[str]]
) -> tuple[list[int], Bool[np.ndarray, " captions"]]:
    """Return all words where their vectors are kept, else some; and which are drawn as rivals.

    A picture's own words are there to be true, but are rivals of others only if they were drawn
    among all: common words would be rivals more often than their share.
    """
    book = step.catalog.book
    if step.encoder.is_locked:
        return [*range(len(book.names))], np.ones(len(book.names), dtype=bool)
    rivals = set(step.pick(RIVALS, len(book.names)))
    among = sorted(rivals.union(*(_draw_true(step, names) for names in true)))
    return among, np.array([place in rivals for place in among])


def _draw_true(step: Step, names: Set[str]) -> list[int]:
    """Draw a few of a picture's words, the rarer the likelier."""
    book = step.catalog.book
    own = book.places(names)
    return [own[i] for i in step.draw(WORDS_AN_IMAGE, book.pull[own])]
