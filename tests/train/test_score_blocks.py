"""Losses over blocks of rows against the same over the whole matrix."""

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.train import score_blocks
from sightline.train.objective import pairs_loss, softmax_loss, two_way_softmax_loss
from sightline.train.score_blocks import agreement, pairs, softmax, two_way_softmax

Loss = Callable[..., Tensor]
NAMESAKES: dict[str, tuple[Loss, Loss, tuple[float, ...]]] = {
    "softmax": (softmax, softmax_loss, ()),
    "smoothed": (softmax, softmax_loss, (0.1,)),
    "two ways": (two_way_softmax, two_way_softmax_loss, ()),
    "pairs": (pairs, pairs_loss, ()),
}


def vectors(count: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, 6, generator=draw, dtype=torch.float64)
    return F.normalize(drawn, dim=-1).requires_grad_()


def belongs(rows: int, columns: int) -> Tensor:
    """Several positives a row, one row and one column without any, one row with all others."""
    positive = torch.rand(rows, columns, generator=torch.Generator().manual_seed(7)) < 0.3
    positive[2], positive[4] = False, True
    positive[:, 3] = False
    return positive


def loss_and_gradients(loss_of: Loss, *more: float, is_whole: bool) -> list[Tensor]:
    images, texts = vectors(9, 0), vectors(11, 1)
    scale, bias = (torch.tensor(value, dtype=torch.float64) for value in (2.0, -0.5))
    learnt = [images, texts, scale.requires_grad_(), bias.requires_grad_()]

    def score(rows: Tensor) -> Tensor:
        return scale.exp() * rows @ texts.T + bias

    positive = belongs(9, 11)
    loss = loss_of(
        score(images) if is_whole else score, *[images] * (not is_whole), positive, *more
    )
    return [loss.detach(), *torch.autograd.grad(loss, learnt)]


def farthest(name: str) -> float:
    blocks, whole, more = NAMESAKES[name]
    ours = loss_and_gradients(blocks, *more, is_whole=False)
    theirs = loss_and_gradients(whole, *more, is_whole=True)
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("most", [11, 25, 44])  # one row, two, and four at a time
@pytest.mark.parametrize("name", NAMESAKES)
def test_blocks_give_the_loss_and_the_gradient_of_the_whole(
    name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_blocks, "WHOLE", most)
    assert farthest(name) < 1e-12


@pytest.mark.parametrize("name", NAMESAKES)
def test_control_a_forgotten_block_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_but_the_last(rows: Tensor, positive: Tensor) -> list[tuple[Tensor, Tensor]]:
        return [(rows[:5], positive[:5])]

    monkeypatch.setattr(score_blocks, "WHOLE", 25)
    monkeypatch.setattr(score_blocks, "_blocks", all_but_the_last)
    assert farthest(name) > 1e-3


def test_control_columns_that_see_their_own_block_alone_are_caught() -> None:
    def each_alone(score: Callable[[Tensor], Tensor], rows: Tensor, positive: Tensor) -> Tensor:
        halves = ((rows[:5], positive[:5]), (rows[5:], positive[5:]))
        losses = [two_way_softmax_loss(score(some), theirs) for some, theirs in halves]
        return torch.stack(losses).mean()

    ours = loss_and_gradients(each_alone, is_whole=False)
    theirs = loss_and_gradients(two_way_softmax_loss, is_whole=True)
    assert max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True)) > 1e-3


def test_a_small_matrix_takes_the_way_it_always_took(monkeypatch: pytest.MonkeyPatch) -> None:
    def blocks(*_: object) -> None:
        raise AssertionError("a small matrix was cut")

    monkeypatch.setattr(score_blocks, "_blocks", blocks)
    assert all(farthest(name) == 0.0 for name in NAMESAKES)


def test_agreement_is_best_where_both_wordings_meet() -> None:
    axes = torch.eye(4)
    assert float(agreement(axes, axes)) < 1e-6
    assert float(agreement(axes, axes.roll(1, 0))) > 10


PEAK = """
import sys, torch, torch._dynamo  # the last is what any optimizer brings
from torch.nn import functional as F
from sightline.measure.subjects import peak_mb as peak  # `getrusage` counts who started this too
from sightline.train import objective, score_blocks

count = int(sys.argv[2])
torch.set_num_threads(1)
images, texts = (F.normalize(torch.randn(count, 512), dim=-1).requires_grad_() for _ in range(2))
positive = torch.eye(count, dtype=torch.bool)
F.normalize(images[:64], dim=-1).sum().backward()  # what torch itself takes to go back
before = peak()
score = lambda rows: 10 * rows @ texts.T
if sys.argv[1] == "blocks":
    loss = score_blocks.two_way_softmax(score, images, positive)
else:
    loss = objective.two_way_softmax_loss(score(images), positive)
loss.backward()
print(peak() - before)
"""


def megabytes(way: str, count: int) -> float:
    command = [sys.executable, "-c", PEAK, way, str(count)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return float(ran.stdout)


def test_a_batch_of_8192_never_holds_its_matrix_of_scores() -> None:
    assert megabytes("whole", 4096) > 5 * 64  # control: copies of its matrix of 64 MB
    assert megabytes("blocks", 8192) < 1.5 * 256
