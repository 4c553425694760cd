"""What a network hears from its teachers: what they say, and where they see it.

A teacher of places knows from one hospital where disease lies; a network that learns from more
hospitals, whose labels say nothing of places, finds there what goes with the label instead. It
keeps its teacher's places while it learns its own answers.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pneumoscope.lab.network import NetworkOutput


@torch.no_grad()
def ask(teachers: Sequence[nn.Module], x: Tensor) -> list[NetworkOutput]:
    """What each says of x, float32 [B, 1, H, W], 0..1."""
    return [teacher(x) for teacher in teachers]


def mean_probability(said: Sequence[NetworkOutput]) -> Tensor | None:
    """float32 [B, classes]; None without teachers."""
    if not said:
        return None
    return torch.stack([each.logits.float().softmax(1) for each in said]).mean(0)


def map_loss(activation: Tensor, said: Sequence[NetworkOutput]) -> Tensor:
    """How little the evidence lies where the teachers see theirs: 1 − correlation over the places,
    times their P(pneumonia), mean of the images; 0..2 (attention transfer: Zagoruyko and Komodakis
    2017).

    activation: [B, classes, h, w]; the teachers' are brought to that h and w. A map counts by its
    form alone, not by how strong it is, and as much as they believe in pneumonia: where a normal
    radiograph looks least normal is nothing to learn.
    """
    size = (activation.shape[2], activation.shape[3])
    maps = [F.adaptive_avg_pool2d(each.activation, size) for each in said]
    theirs = torch.stack([_standardised(_evidence(each)) for each in maps]).mean(0)
    apart = 1 - (_standardised(_evidence(activation)) * _standardised(theirs)).mean(1)
    believed = torch.stack([1 - each.logits.float().softmax(1)[:, 0] for each in said]).mean(0)
    return (apart * believed).mean()


def _evidence(activation: Tensor) -> Tensor:
    """Log-odds of pneumonia against normal at every place, float32 [B, h · w]; the heatmap is
    their positive part (`core.explain.heatmap_from_activation`)."""
    activation = activation.float()
    return (activation[:, 1:].logsumexp(1) - activation[:, 0]).flatten(1)


def _standardised(values: Tensor) -> Tensor:
    values = values - values.mean(1, keepdim=True)
    return values / (values.square().mean(1, keepdim=True).sqrt() + 1e-3)
