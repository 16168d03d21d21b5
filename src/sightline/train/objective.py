"""What is minimised: contrast between pictures and words, as pure functions of vectors.

Vectors are of unit length and already gathered: a run on many devices hands in its own rows
against everybody's, so nothing here needs to know how many there are.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.shapes import Bool, Float


def softmax_loss(
    logits: Float[Tensor, "queries captions"],
    positive: Bool[Tensor, "queries captions"],
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Return the cross entropy of each row, its target shared evenly by the row's positives.

    Several positives are repeated classes or captions (supervised contrast, Khosla et al.,
    arXiv 2004.11362, equation 2). Rows without one are left out. In nats.

    Args:
        logits: Scores, scaled.
        positive: Which pairs belong together.
        smoothing: Share of the target spread evenly over all columns.
    """
    count = positive.sum(dim=1, keepdim=True)
    rows = count.squeeze(1) > 0
    wide = torch.promote_types(logits.dtype, torch.float32)
    target = positive.to(wide) / count.clamp(min=1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / logits.shape[1]
    losses = -(target * logits.log_softmax(dim=1)).sum(dim=1)
    return losses[rows].mean()


def true_words_loss(
    logits: Float[Tensor, "images captions"],
    attention: Float[Tensor, "images captions"],
    false: Bool[Tensor, "images captions"],
    share: float = 1.0,
) -> Float[Tensor, ""]:
    """Return the cross entropy of each true word against the false ones, in nats.

    True words of one picture are never set against each other, as softmax_loss does: a poodle is
    no less a dog.

    Args:
        logits: Scores, scaled.
        attention: Weights of each picture's true words, summing to 1; a row of zeros is left out.
        false: The words that a picture's true ones are held against.
        share: How many of all such words were drawn to be here, each as likely as another.
    """
    lowest = torch.finfo(logits.dtype).min
    rivals = logits.masked_fill(~false, lowest).logsumexp(dim=1, keepdim=True) - math.log(share)
    losses = (attention * F.softplus(rivals - logits)).sum(dim=1)
    return losses.sum() / (attention.sum(dim=1) > 0).sum().clamp(min=1)


def pairs_loss(
    logits: Float[Tensor, "images captions"], positive: Bool[Tensor, "images captions"]
) -> Float[Tensor, ""]:
    """Return the sigmoid loss over all pairs, per image (Zhai et al., arXiv 2303.15343, eq. 1)."""
    signs = positive.to(logits.dtype) * 2 - 1
    return -F.logsigmoid(signs * logits).sum() / logits.shape[0]


def two_way_softmax_loss(
    logits: Float[Tensor, "images captions"], positive: Bool[Tensor, "images captions"]
) -> Float[Tensor, ""]:
    """Return CLIP's loss: images against captions and captions against images, halved."""
    return (softmax_loss(logits, positive) + softmax_loss(logits.T, positive.T)) / 2


def relation_loss(
    vectors: Float[Tensor, "captions embed_dim"],
    teacher: Float[Tensor, "captions teacher_dim"],
    scale: float = 10.0,
) -> Float[Tensor, ""]:
    """Return how far the likeness of texts to each other is from a teacher's, in nats.

    Row by row the Kullback-Leibler divergence between the two softmaxes over all texts (relational
    distillation, Park et al., arXiv 1904.05068; only relations, so widths may differ). 0 where the
    relations agree.
    """
    wanted = (scale * teacher @ teacher.T).log_softmax(dim=1)
    got = (scale * vectors @ vectors.T).log_softmax(dim=1)
    return F.kl_div(got, wanted, reduction="batchmean", log_target=True)
