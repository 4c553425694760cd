"""Which weights move, how fast, and when."""

import math
from typing import Any

import torch
from torch import nn

from pneumoscope.lab.network import Network
from pneumoscope.lab.recipe import OptimiserRecipe, RecipeError


def learning_rate(step: int, steps: int, recipe: OptimiserRecipe) -> float:
    """The rate of step 0 ≤ `step` < `steps`: linear warm-up, then half a cosine down.

    one_cycle (Smith 2018): from a tenth, down to a thousandth of the highest rate. cosine
    (Loshchilov & Hutter 2017): from next to nothing, down to nothing.
    """
    warmup = round(steps * recipe.warmup_fraction)
    one_cycle = recipe.schedule == "one_cycle"
    if step < warmup:
        start = 0.1 if one_cycle else 1 / warmup
        return recipe.learning_rate * (start + (1 - start) * step / warmup)
    end = 0.001 if one_cycle else 0.0
    progress = (step - warmup) / max(1, steps - warmup)
    return recipe.learning_rate * (end + (1 - end) * 0.5 * (1 + math.cos(math.pi * progress)))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """What training may move; no weight decay on normalisation and biases."""
    moving = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in moving if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in moving if p.ndim <= 1], "weight_decay": 0.0},
    ]


def build_optimiser(network: nn.Module, recipe: OptimiserRecipe) -> torch.optim.Optimizer:
    """The rate is set before every step, so none is given here."""
    groups = parameter_groups(network, recipe.weight_decay)
    if recipe.name == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=recipe.momentum, nesterov=True)
    return torch.optim.AdamW(groups)


def frozen_parts(network: nn.Module, count: int) -> list[nn.Module]:
    """The first `count` of stem and stages. Raises RecipeError when nothing would be left."""
    if count == 0:
        return []
    if not isinstance(network, Network) or count > len(network.stages):
        raise RecipeError(f"frozen_stages = {count} leaves no stage to train.")
    return [network.stem, *network.stages[: count - 1]]
