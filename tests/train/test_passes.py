"""Micro-batches against one pass over the whole batch."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.train import passes
from sightline.train.objective import two_way_softmax_loss
from sightline.train.passes import MicroBatches, Whole

DRAW = torch.Generator().manual_seed(1)
IMAGES, TEXTS = (torch.randn(7, 5, dtype=torch.float64, generator=DRAW) for _ in range(2))
SIZE = 3  # 3, 3 and 1 of the 7 rows


def towers(dropout: float) -> nn.ModuleDict:
    """Two small towers, drawn alike each time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = {
            name: nn.Sequential(
                nn.Linear(5, 8), nn.GELU(), nn.Dropout(dropout), nn.Linear(8, 4)
            ).double()
            for name in ("image", "text")
        }
    return nn.ModuleDict(made)


def loss_of(encode: Callable[[nn.Module, Tensor], Tensor], both: nn.ModuleDict) -> Tensor:
    images, texts = encode(both["image"], IMAGES), encode(both["text"], TEXTS)
    # Captions that two pictures share, and the image tower asked once more in the same step.
    positive = torch.eye(7).bool() | torch.eye(7).roll(1, 0).bool()
    scores = 8 * F.normalize(images, dim=-1) @ F.normalize(texts, dim=-1).T
    return two_way_softmax_loss(scores, positive) + encode(both["image"], TEXTS).square().mean()


def in_parts(tower: nn.Module, rows: Tensor) -> Tensor:
    """Oracle: the same micro-batches with everything kept, so that autograd itself goes back."""
    return torch.cat([tower(rows[start : start + SIZE]) for start in range(0, len(rows), SIZE)])


def gradients(both: nn.ModuleDict) -> list[Tensor]:
    return [torch.zeros(0) if p.grad is None else p.grad for p in both.parameters()]


def farthest(dropout: float) -> float:
    """Train once in micro-batches and once with everything kept, and compare the gradients."""
    ours, theirs = towers(dropout), towers(dropout)
    torch.manual_seed(3)
    micro = MicroBatches(SIZE, nullcontext)
    loss = loss_of(micro.encode, ours)
    loss.backward()  # type: ignore[no-untyped-call]
    micro.backward()
    torch.manual_seed(3)
    kept = loss_of(in_parts, theirs)
    kept.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(kept.item(), abs=1e-12)
    pairs = zip(gradients(ours), gradients(theirs), strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


def test_without_dropout_it_is_the_gradient_of_one_pass_over_all() -> None:
    ours, theirs = towers(0.0), towers(0.0)
    micro = MicroBatches(SIZE, nullcontext)
    loss_of(micro.encode, ours).backward()  # type: ignore[no-untyped-call]
    micro.backward()
    loss_of(Whole().encode, theirs).backward()  # type: ignore[no-untyped-call]
    for our, their in zip(gradients(ours), gradients(theirs), strict=True):
        assert our.numel()
        torch.testing.assert_close(our, their, rtol=0, atol=1e-10)


def test_with_dropout_every_micro_batch_meets_its_random_numbers_again() -> None:
    assert farthest(0.3) < 1e-10


def test_control_forgotten_random_numbers_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_same_chance", lambda once: nullcontext())
    assert farthest(0.0) < 1e-10
    assert farthest(0.3) > 1e-3


def test_control_negatives_of_a_micro_batch_alone_are_caught() -> None:
    alone, whole = towers(0.0), towers(0.0)
    for start in range(0, 7, SIZE):
        some = slice(start, start + SIZE)
        images, texts = alone["image"](IMAGES[some]), alone["text"](TEXTS[some])
        scores = 8 * F.normalize(images, dim=-1) @ F.normalize(texts, dim=-1).T
        two_way_softmax_loss(scores, torch.eye(len(scores)).bool()).backward()  # type: ignore[no-untyped-call]
    loss_of(Whole().encode, whole).backward()  # type: ignore[no-untyped-call]
    pairs = zip(gradients(alone), gradients(whole), strict=True)
    assert max(float((a - b).abs().max()) for a, b in pairs) > 1e-3


def test_going_through_again_disturbs_no_one_elses_chance() -> None:
    both = towers(0.3)
    torch.manual_seed(5)
    micro = MicroBatches(SIZE, nullcontext)
    loss_of(micro.encode, both).backward()  # type: ignore[no-untyped-call]
    state = torch.get_rng_state()
    micro.backward()
    assert torch.equal(torch.get_rng_state(), state)


def test_a_locked_tower_goes_through_once() -> None:
    both = towers(0.0)
    both["text"].requires_grad_(False)
    seen: list[int] = []
    both["text"].register_forward_hook(lambda *_: seen.append(1))
    micro = MicroBatches(SIZE, nullcontext)
    assert not micro.encode(both["text"], TEXTS).requires_grad
    micro.backward()
    assert len(seen) == 3
    assert all(p.grad is None for p in both["text"].parameters())


def test_nothing_is_kept_of_what_is_made_without_gradients() -> None:
    both = towers(0.0)
    micro = MicroBatches(SIZE, nullcontext)
    with torch.no_grad():
        assert not micro.encode(both["image"], IMAGES).requires_grad
    assert micro._calls == []


def test_a_second_backward_pass_adds_nothing() -> None:
    both = towers(0.0)
    micro = MicroBatches(SIZE, nullcontext)
    loss_of(micro.encode, both).backward()  # type: ignore[no-untyped-call]
    micro.backward()
    before = [gradient.clone() for gradient in gradients(both)]
    micro.backward()
    assert all(torch.equal(a, b) for a, b in zip(gradients(both), before, strict=True))


def test_each_micro_batch_adds_its_gradient_in_full_precision() -> None:
    """Sums of bfloat16 would lose what many micro-batches bring: weights are float32 here."""
    tower = nn.Linear(5, 4)
    micro = MicroBatches(1, partial(torch.autocast, "cpu", dtype=torch.bfloat16))
    rows = torch.ones(4096, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vectors = micro.encode(tower, rows)
    assert vectors.dtype == torch.bfloat16
    vectors.float().sum().backward()  # type: ignore[no-untyped-call]
    micro.backward()
    assert tower.bias.grad is not None
    assert tower.bias.grad.tolist() == [4096.0] * 4  # bfloat16 would stay at 256
