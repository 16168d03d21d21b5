import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from sightline.model import CLIP
from sightline.train.optimizer import build_optimizer, rate_at, set_learning, set_rate
from sightline.train.recipe import Optimizer, Stage
from tiny_specs import SIGLIP_VIT, tiny_spec
from tiny_training import stage, training_spec


def a_stage(**changes: object) -> Stage:
    return Stage(**(stage("any") | changes))


def built(spec: object = None) -> tuple[torch.optim.AdamW, list[str], CLIP, nn.ModuleDict]:
    model = CLIP(training_spec() if spec is None else spec)  # type: ignore[arg-type]
    heads = nn.ModuleDict({"colours": nn.Linear(12, 4)})
    optimizer, names = build_optimizer(model, heads, Optimizer(weight_decay=0.07))
    return optimizer, names, model, heads


def test_only_matrices_and_kernels_decay() -> None:
    optimizer, names, _, _ = built(tiny_spec(SIGLIP_VIT, embed_dim=32))
    decay: dict[str, float] = {}
    rest = iter(names)
    for group in optimizer.param_groups:
        for _ in group["params"]:
            decay[next(rest)] = group["weight_decay"]
    free = {name for name, value in decay.items() if value == 0.0}
    assert set(decay.values()) == {0.0, 0.07}
    assert {"model.logit_scale", "model.image.positions", "heads.colours.bias"} <= free
    assert all(name in free for name in names if name.endswith(("bias", "norm.weight")))
    assert {"heads.colours.weight", "model.image.stem.conv.weight"} <= decay.keys() - free
    assert not any("position" in name for name in decay.keys() - free)


def test_every_parameter_is_in_one_group_under_its_own_name() -> None:
    optimizer, names, model, heads = built()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    named = {f"model.{n}": p for n, p in model.named_parameters()}
    named |= {f"heads.{n}": p for n, p in heads.named_parameters()}
    assert sorted(names) == sorted(named)
    assert all(named[name] is p for name, p in zip(names, parameters, strict=True))


def test_the_text_tower_has_its_own_rate() -> None:
    optimizer, _, _, _ = built()
    set_rate(optimizer, a_stage(text_lr=0.25), 0.4)
    rates = {group["text"]: group["lr"] for group in optimizer.param_groups}
    assert rates == {False: 0.4, True: pytest.approx(0.1)}


@pytest.mark.parametrize(
    ("towers", "learn"),
    [("text", {"text"}), ("image", {"image", "scale", "heads"}), ("both", None)],
)
def test_a_stage_locks_the_tower_it_does_not_name(towers: str, learn: set[str] | None) -> None:
    _, _, model, heads = built()
    named = [(f"model.{n}", p) for n, p in model.named_parameters()]
    named += [(f"heads.{n}", p) for n, p in heads.named_parameters()]
    set_learning(named, a_stage(towers=towers))
    parts = {
        "text": [p for n, p in named if n.startswith("model.text.")],
        "image": [p for n, p in named if n.startswith("model.image.")],
        "scale": [model.logit_scale],
        "heads": list(heads.parameters()),
    }
    for part, parameters in parts.items():
        wanted = learn is None or part in learn
        assert all(p.requires_grad == wanted for p in parameters), part


def test_the_rate_warms_up_and_falls_along_a_cosine() -> None:
    plan = a_stage(steps=100, warmup=10, lr=1.0, lr_end=0.2)
    rates = [rate_at(plan, step) for step in range(100)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10] == 1.0
    assert rates[55] == pytest.approx(0.6)  # half way down
    assert all(after < before for before, after in pairwise(rates[10:]))
    assert rates[99] == pytest.approx(0.2 + 0.4 * (1 + math.cos(math.pi * 89 / 90)))


def test_a_stage_that_is_all_warm_up_never_divides_by_zero() -> None:
    assert rate_at(a_stage(steps=3, warmup=3, lr=1.0), 2) == 1.0
