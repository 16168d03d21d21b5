"""Losses against loops that spell each term out."""

import math
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from sightline.train.objective import (
    pairs_loss,
    relation_loss,
    softmax_loss,
    true_words_loss,
    two_way_softmax_loss,
)


def drawn(seed: int, rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(rows, columns, generator=draw)
    return logits, torch.rand(rows, columns, generator=draw) < 0.4


def by_hand(logits: torch.Tensor, positive: torch.Tensor, smoothing: float) -> float:
    """Oracle: the mean over rows with positives of minus the wanted share times the log share."""
    losses = []
    for row, mine in zip(logits.tolist(), positive.tolist(), strict=True):
        if not any(mine):
            continue
        whole = sum(math.exp(value) for value in row)
        loss = 0.0
        for value, is_mine in zip(row, mine, strict=True):
            wanted = (1 - smoothing) * is_mine / sum(mine) + smoothing / len(row)
            loss -= wanted * math.log(math.exp(value) / whole)
        losses.append(loss)
    return sum(losses) / len(losses)


@given(
    seed=st.integers(0, 999),
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    smoothing=st.sampled_from([0.0, 0.1]),
)
@settings(max_examples=40, deadline=None)
def test_softmax_loss_is_the_cross_entropy_with_its_target_shared(
    seed: int, rows: int, columns: int, smoothing: float
) -> None:
    logits, positive = drawn(seed, rows, columns)
    positive[0, 0] = True
    got = softmax_loss(logits, positive, smoothing)
    assert float(got) == pytest.approx(by_hand(logits, positive, smoothing), rel=1e-5, abs=1e-6)


def test_control_a_loss_that_knows_one_positive_a_row_is_caught() -> None:
    logits, positive = drawn(3, 3, 4)
    positive[:, :2] = True
    single = F.cross_entropy(logits, positive.int().argmax(dim=1))
    assert float(single) != pytest.approx(by_hand(logits, positive, 0.0), rel=1e-3)


def test_with_one_positive_each_it_is_clips_loss() -> None:
    logits, _ = drawn(0, 5, 5)
    target = torch.arange(5)
    clip = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    assert torch.allclose(two_way_softmax_loss(logits, torch.eye(5).bool()), clip)


def test_true_words_are_held_against_false_ones_only() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.5, -1.0], [0.0, 3.0, 1.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
    attention = torch.tensor([[0.75, 0.25, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0] * 4])
    false = torch.tensor([[0, 0, 0, 1], [1, 1, 0, 1], [1, 1, 1, 1]]).bool()
    first = sum(w * math.log(1 + math.exp(-1.0 - s)) for w, s in ((0.75, 2.0), (0.25, 1.0)))
    second = -math.log(math.exp(1.0) / sum(math.exp(s) for s in (0.0, 3.0, 1.0, 2.0)))
    got = float(true_words_loss(logits, attention, false))
    assert got == pytest.approx((first + second) / 2, rel=1e-6)
    against_all = softmax_loss(logits[:2], attention[:2] > 0)
    assert float(against_all) != pytest.approx(got, rel=1e-2)  # control


def test_a_picture_of_which_nothing_is_false_costs_nothing() -> None:
    logits = torch.randn(1, 3, requires_grad=True)
    loss = true_words_loss(logits, torch.full((1, 3), 1 / 3), torch.zeros(1, 3).bool())
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros(1, 3))


def test_pairs_loss_is_the_sigmoid_loss_of_open_clip(open_clip: ModuleType) -> None:
    draw = torch.Generator().manual_seed(0)
    images, texts = (F.normalize(torch.randn(6, 8, generator=draw), dim=-1) for _ in range(2))
    theirs = open_clip.loss.SigLipLoss()(images, texts, torch.tensor(7.0), torch.tensor(-3.0))
    logits = 7.0 * images @ texts.T - 3.0
    assert torch.allclose(pairs_loss(logits, torch.eye(6).bool()), theirs, rtol=1e-6)
    assert not torch.allclose(pairs_loss(logits, torch.zeros(6, 6).bool()), theirs, rtol=1e-2)


def test_relations_that_agree_cost_nothing_whatever_the_width() -> None:
    draw = torch.Generator().manual_seed(0)
    vectors = F.normalize(torch.randn(5, 4, generator=draw), dim=-1)
    wider = torch.cat([vectors, torch.zeros(5, 3)], dim=1)
    assert float(relation_loss(vectors, wider)) == pytest.approx(0.0, abs=1e-6)
    other = F.normalize(torch.randn(5, 7, generator=draw), dim=-1)
    assert float(relation_loss(vectors, other)) > 0.1


def test_relation_loss_is_the_divergence_row_by_row() -> None:
    draw = torch.Generator().manual_seed(1)
    ours, theirs = (F.normalize(torch.randn(4, 3, generator=draw), dim=-1) for _ in range(2))
    total = 0.0
    for row in range(4):
        wanted = np.exp((10 * theirs @ theirs[row]).numpy())
        got = np.exp((10 * ours @ ours[row]).numpy())
        wanted, got = wanted / wanted.sum(), got / got.sum()
        total += float((wanted * np.log(wanted / got)).sum())
    assert float(relation_loss(ours, theirs)) == pytest.approx(total / 4, rel=1e-4)
