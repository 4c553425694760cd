"""Random values for augmentation: one per image, always drawn on the CPU.

So the same generator gives the same batch on every device.
"""

import math
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import torch
from torch import Generator, Tensor

P = ParamSpec("P")
Step = Callable[Concatenate[Tensor, float, Generator, P], Tensor]


def off_at_zero(step: Step[P]) -> Step[P]:
    """A step of strength or share 0 returns its input and draws nothing, so that a recipe without
    it gives the same random stream as before the step existed."""

    @wraps(step)
    def guarded(
        x: Tensor, strength: float, generator: Generator, /, *args: P.args, **options: P.kwargs
    ) -> Tensor:
        return step(x, strength, generator, *args, **options) if strength > 0 else x

    return guarded


def uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def log_uniform(n: int, low: float, high: float, generator: Generator) -> Tensor:
    return uniform(n, math.log(low), math.log(high), generator).exp()


def per_image(values: Tensor, like: Tensor) -> Tensor:
    """[N] → [N, 1, 1, 1] on the device of `like`."""
    return values.to(like.device).view(-1, 1, 1, 1)


def chosen(x: Tensor, share: float, generator: Generator) -> Tensor:
    """Which images a step is done to: bool [N, 1, 1, 1]."""
    return per_image(torch.rand(len(x), generator=generator) < share, x)


def coordinates(x: Tensor) -> tuple[Tensor, Tensor]:
    """v [H, 1] and u [1, W] of the pixels' centres, −1..1."""
    v, u = (
        (2 * torch.arange(size, device=x.device) + 1) / size - 1
        for size in (x.shape[2], x.shape[3])
    )
    return v[:, None], u[None]
