"""AdamW with the usual groups, and the rate at each step."""

import math
from collections.abc import Iterable

import torch
from torch import nn

from sightline.train.recipe import Optimizer, Stage


def build_optimizer(
    towers: nn.Module, heads: nn.Module, recipe: Optimizer
) -> tuple[torch.optim.AdamW, list[str]]:
    """Return the optimizer and the name of each of its parameters, in its order.

    Matrices and kernels decay; biases, norms, positions, tokens of their own and temperatures do
    not (Loshchilov and Hutter; CLIP, section 2.5, does the same).
    """
    named = [
        *((f"model.{name}", parameter) for name, parameter in towers.named_parameters()),
        *((f"heads.{name}", parameter) for name, parameter in heads.named_parameters()),
    ]
    groups = [
        [(n, p) for n, p in named if is_text(n) == text and decays(n, p) == decay]
        for text in (False, True)
        for decay in (True, False)
    ]
    kept = [group for group in groups if group]
    optimizer = torch.optim.AdamW(
        [
            {
                "params": [parameter for _, parameter in group],
                "weight_decay": recipe.weight_decay if decays(*group[0]) else 0.0,
                "text": is_text(group[0][0]),
            }
            for group in kept
        ],
        lr=0.0,
        betas=(recipe.beta1, recipe.beta2),
        eps=recipe.eps,
        fused=True,
    )
    return optimizer, [name for group in kept for name, _ in group]


def is_text(name: str) -> bool:
    """Whether a parameter is the text tower's."""
    return name.startswith("model.text.")


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether weight decay is for this parameter."""
    return parameter.ndim > 1 and "position" not in name


def rate_at(stage: Stage, step: int) -> float:
    """Return the learning rate of step (from 0) of a stage: linear warm-up, then a cosine.

    Example:
        >>> stage = Stage(name="a", steps=10, towers="both", batch=2, lr=1.0, lr_end=0.0,
        ...               warmup=2, losses={})
        >>> [round(rate_at(stage, step), 2) for step in (0, 1, 2, 9)]
        [0.5, 1.0, 1.0, 0.04]
    """
    if step < stage.warmup:
        return stage.lr * (step + 1) / stage.warmup
    done = (step - stage.warmup) / max(stage.steps - stage.warmup, 1)
    return stage.lr_end + (stage.lr - stage.lr_end) * (1 + math.cos(math.pi * done)) / 2


def set_rate(optimizer: torch.optim.Optimizer, stage: Stage, rate: float) -> None:
    """Give each group its rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * (stage.text_lr if group["text"] else 1.0)


def set_learning(parameters: Iterable[tuple[str, nn.Parameter]], stage: Stage) -> None:
    """Let the stage's towers learn and lock the others; temperatures learn with the images."""
    for name, parameter in parameters:
        parameter.requires_grad_(stage.towers in ("both", "text" if is_text(name) else "image"))
