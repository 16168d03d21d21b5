"""Each loss of a step: which pairs it holds together, and what it draws."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from torch import nn
from torch.nn import functional as F

from sightline.model import CLIP
from sightline.spec import open_words
from sightline.spec.towers import Sigmoid
from sightline.train import word_losses
from sightline.train.batches import Batch, Group
from sightline.train.catalog import Catalog, Teacher
from sightline.train.losses import LOSSES
from sightline.train.objective import (
    pairs_loss,
    softmax_loss,
    true_words_loss,
    two_way_softmax_loss,
)
from sightline.train.recipe import LossName
from sightline.train.step import Step
from sightline.train.texts import TextEncoder
from sightline.train.wordbook import Spoken, Wordbook
from tiny_embedder import example
from tiny_models import tiny_clip_spec
from tiny_training import part

LABELS = part("colours", broader={"warm": ["red"], "cold": ["blue", "green"]})
CAPTIONS = part("captions", "captions")
BLACK = (0, 0, 0)


def book_of(**counts: int) -> Wordbook:
    """Words of captions that so many pictures have, beside twenty red pictures and a blue one."""
    captions = [(f"a {word}",) for word, count in counts.items() for _ in range(count)]
    captions += [("",)] * len(captions)  # no word is in most of them
    labels = {"red": 20, "blue": 1, "green": 1}
    return Wordbook([Spoken(LABELS, labels, []), Spoken(CAPTIONS, {}, captions)])


BOOK = book_of(door=10, wall=40)


def step(
    batch: Batch | None,
    *,
    head: Any = None,
    book: Wordbook = BOOK,
    count: int = 4,
    seed: int = 0,
) -> Step:
    spec = tiny_clip_spec()
    spec = spec if head is None else replace(spec, head=head)
    torch.manual_seed(0)
    model = CLIP(spec)
    rows = 0 if batch is None else len(batch.pictures)
    teacher = Teacher(names=("cat", "dog"), vectors=np.eye(2, 3, dtype=np.float32))
    captions = (("a wall", "the wall"), ("a door", "the door"), ("alone",))
    return Step(
        model=model,
        heads=nn.ModuleDict({"colours": nn.Linear(spec.embed_dim, 3)}),
        encoder=TextEncoder(model, open_words(spec.words)),
        catalog=Catalog(
            names={"colours": ("blue", "green", "red")},
            captions=captions,
            book=book,
            teacher=teacher,
        ),
        chance=np.random.default_rng(seed),
        templates=["{}"],
        count=count,
        smoothing=0.1,
        batch=batch,
        images=torch.randn(rows, spec.embed_dim) if rows else None,
    )


def batch_of(*groups: Group) -> Batch:
    count = sum(len(group.rows) for group in groups)
    return Batch(pictures=np.zeros((count, 4, 4, 3), np.uint8), groups=groups)


RED_BLUE_RED = Group(
    part=LABELS,
    rows=range(0, 3),
    examples=tuple(
        example(key, BLACK, name) for key, name in zip("abc", ("red", "blue", "red"), strict=True)
    ),
)
WALLS = Group(
    part=CAPTIONS,
    rows=range(0, 3),
    examples=(
        example("a", BLACK, texts=("a wall",)),
        example("b", BLACK, texts=("a door",)),
        example("c", BLACK, texts=("a wall",)),
    ),
)


def logits_of(made: Step, texts: list[str]) -> torch.Tensor:
    assert made.images is not None
    return made.model.logits(F.normalize(made.images, dim=-1), made.encoder(texts))


def test_names_are_contrasted_with_every_picture_of_their_class() -> None:
    made = step(batch_of(RED_BLUE_RED))
    logits = logits_of(made, ["blue", "green", "red"])
    positive = torch.tensor([[0, 0, 1], [1, 0, 0], [0, 0, 1]]).bool()
    wanted = softmax_loss(logits, positive, 0.1)
    assert torch.allclose(LOSSES["contrast"](made), wanted)
    assert not torch.allclose(softmax_loss(logits, positive.roll(1, 1), 0.1), wanted)


def test_a_caption_that_two_pictures_share_belongs_to_both() -> None:
    made = step(batch_of(WALLS))
    logits = logits_of(made, ["a wall", "a door", "a wall"])
    positive = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1]]).bool()
    assert torch.allclose(LOSSES["contrast"](made), two_way_softmax_loss(logits, positive))
    mixed_up = two_way_softmax_loss(logits, positive.roll(1, 0))
    assert not torch.allclose(LOSSES["contrast"](made), mixed_up)  # control


def test_a_sigmoid_head_is_held_to_all_pairs() -> None:
    made = step(batch_of(WALLS), head=Sigmoid(logit_scale=1.0, logit_bias=-2.0))
    logits = logits_of(made, ["a wall", "a door", "a wall"])
    positive = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1]]).bool()
    assert torch.allclose(LOSSES["contrast"](made), pairs_loss(logits, positive))


def test_sources_are_never_set_against_each_other() -> None:
    walls = Group(part=CAPTIONS, rows=range(3, 6), examples=WALLS.examples)
    both = step(batch_of(RED_BLUE_RED, walls))
    assert both.images is not None
    names, captions = step(batch_of(RED_BLUE_RED)), step(batch_of(WALLS))
    names.images, captions.images = both.images[:3], both.images[3:]
    apart = (3 * LOSSES["contrast"](names) + 3 * LOSSES["contrast"](captions)) / 6
    assert torch.allclose(LOSSES["contrast"](both), apart, rtol=1e-5)


def test_the_class_head_sees_labelled_pictures_only() -> None:
    made = step(batch_of(RED_BLUE_RED))
    assert made.images is not None
    logits = made.heads["colours"](made.images)
    wanted = F.cross_entropy(logits, torch.tensor([2, 0, 2]), label_smoothing=0.1)
    assert torch.allclose(LOSSES["class_head"](made), wanted)
    assert float(LOSSES["class_head"](step(batch_of(WALLS)))) == 0.0


def words_loss(made: Step, words: list[str], positive: list[list[int]]) -> torch.Tensor:
    return softmax_loss(logits_of(made, words), torch.tensor(positive).bool())


def test_pictures_are_contrasted_with_single_words_of_captions() -> None:
    made = step(batch_of(WALLS))
    wanted = words_loss(made, ["door", "wall"], [[0, 1], [1, 0], [0, 1]])
    assert torch.allclose(LOSSES["words"](made), wanted)
    mixed_up = words_loss(made, ["door", "wall"], [[1, 0], [0, 1], [1, 0]])
    assert not torch.allclose(wanted, mixed_up)  # control


def test_labels_are_taught_by_their_broader_names() -> None:
    made = step(batch_of(RED_BLUE_RED))
    wanted = words_loss(made, ["cold", "warm"], [[0, 1], [1, 0], [0, 1]])
    assert torch.allclose(LOSSES["words"](made), wanted)


@pytest.mark.parametrize("name", ["words", "all_words"])
def test_pictures_without_a_word_teach_none(name: LossName) -> None:
    made = step(batch_of(WALLS), book=book_of(tree=10))
    assert LOSSES[name](made).item() == 0.0


def test_words_of_all_sources_are_set_against_each_other() -> None:
    walls = Group(part=CAPTIONS, rows=range(3, 6), examples=WALLS.examples)
    made = step(batch_of(RED_BLUE_RED, walls))
    names = ["blue", "cold", "door", "green", "red", "wall", "warm"]
    assert list(BOOK.names) == names
    true = [{"wall"}, {"door"}, {"wall"}, {"red", "warm"}, {"blue", "cold"}, {"red", "warm"}]
    attention = torch.from_numpy(BOOK.attention(true, range(7)))
    may_be = torch.tensor([[name in own for name in names] for own in true])
    captions_first = logits_of(made, names)[[3, 4, 5, 0, 1, 2]]
    logits = captions_first + torch.from_numpy(BOOK.prior)
    got = LOSSES["all_words"](made)
    assert torch.allclose(got, true_words_loss(logits, attention, ~may_be))
    unadjusted = true_words_loss(captions_first, attention, ~may_be)
    assert not torch.allclose(got, unadjusted)  # control


def test_while_texts_learn_a_picture_s_own_words_are_no_rivals_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A common word would else be held against pictures more often than its share."""
    monkeypatch.setattr(word_losses, "RIVALS", 2)
    true = [{"red", "warm"}, {"blue", "cold"}, {"red", "warm"}]
    among, is_rival = word_losses._draw_among(step(batch_of(RED_BLUE_RED), seed=1), true)
    assert is_rival.sum() == 2
    names = [BOOK.names[place] for place in among]
    assert set(names) >= {"red", "warm", "blue", "cold"}
    made = step(batch_of(RED_BLUE_RED), seed=1)
    logits = logits_of(made, names) + torch.from_numpy(BOOK.prior[among])
    false = torch.from_numpy(~BOOK.not_false(true, among) & is_rival)
    attention = torch.from_numpy(BOOK.attention(true, among))
    wanted = true_words_loss(logits, attention, false, share=2 / 7)
    assert torch.allclose(LOSSES["all_words"](made), wanted)
    assert not torch.allclose(true_words_loss(logits, attention, false), wanted)  # control


def test_while_texts_are_locked_every_word_is_a_rival(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_losses, "RIVALS", 2)
    made = step(batch_of(RED_BLUE_RED))
    made.encoder.lock(BOOK.names)
    among, is_rival = word_losses._draw_among(made, [{"red"}, {"blue"}, {"red"}])
    assert len(among) == 7
    assert is_rival.all()


def test_what_is_only_called_warm_may_be_red() -> None:
    warm = Group(
        part=CAPTIONS, rows=range(0, 1), examples=(example("a", BLACK, texts=("a warm thing",)),)
    )
    made = step(batch_of(warm))
    names = list(BOOK.names)
    logits = logits_of(made, names) + torch.from_numpy(BOOK.prior)
    attention = torch.tensor([[float(name == "warm") for name in names]])
    false = torch.tensor([[name not in ("warm", "red") for name in names]])
    wanted = true_words_loss(logits, attention, false)
    assert torch.allclose(LOSSES["all_words"](made), wanted)
    as_if_not_red = true_words_loss(logits, attention, attention == 0)
    assert not torch.allclose(as_if_not_red, wanted)  # control


def test_pictures_that_say_nothing_are_left_out_of_all_words() -> None:
    silent = Group(
        part=CAPTIONS,
        rows=range(0, 2),
        examples=(example("a", BLACK, texts=("a wall",)), example("b", BLACK, texts=("hm",))),
    )
    both, one = step(batch_of(silent)), step(batch_of(silent))
    assert both.images is not None
    both.images = both.images * torch.tensor([[1.0], [-1.0]])
    assert torch.equal(LOSSES["all_words"](both), LOSSES["all_words"](one))


class Recorder:
    def __init__(self, encoder: TextEncoder, drawn: Counter[str]) -> None:
        self.encoder, self.drawn = encoder, drawn

    def __call__(self, texts: list[str]) -> torch.Tensor:
        self.drawn.update(texts)
        return self.encoder(texts)


def test_rarer_words_are_drawn_more_often() -> None:
    three = example("a", BLACK, texts=("a warm door in the wall",))
    group = Group(part=CAPTIONS, rows=range(0, 1), examples=(three,))
    drawn: Counter[str] = Counter()
    for seed in range(60):
        made = step(batch_of(group), seed=seed)
        made.encoder = Recorder(made.encoder, drawn)  # type: ignore[assignment]
        LOSSES["words"](made)
    assert drawn["door"] > drawn["warm"] > drawn["wall"] > 0


@pytest.mark.parametrize("name", ["paraphrase", "names_apart", "relations"])
def test_losses_of_texts_need_no_pictures_and_repeat_with_their_seed(name: str) -> None:
    first, again = LOSSES[name](step(None)), LOSSES[name](step(None))  # type: ignore[index]
    assert first.ndim == 0
    assert torch.isfinite(first)
    assert torch.equal(first, again)
    first.backward()  # type: ignore[no-untyped-call]


def test_locked_texts_have_the_vectors_they_had() -> None:
    made = step(None)
    live = made.encoder(["a wall", "a red door"]).detach()
    made.encoder.lock(["a red door", "a wall", "a wall"])
    kept = made.encoder(["a wall", "a red door"])
    assert torch.allclose(kept, live, atol=1e-6)
    assert not kept.requires_grad
    made.encoder.unlock()
    assert made.encoder(["a wall"]).requires_grad
