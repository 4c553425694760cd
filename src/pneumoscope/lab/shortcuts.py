"""How well do facts that are no disease tell the classes apart?

A network that finds such a fact may use it, and will fail where the fact no longer holds. Every
baseline is fitted on four of five patient-grouped folds and judged on the fifth; the figure is the
mean AUROC over the folds, 0.5 where there is nothing to read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, nn

from pneumoscope.core.metrics import auroc
from pneumoscope.lab.data import Example
from pneumoscope.lab.edges import border, corners
from pneumoscope.lab.folds import validation_mask

FOLDS = 5
BORDER, CORNER = 0.1, 0.2  # of the side
_HIDDEN, _EPOCHS, _BATCH = 32, 12, 256
_PRIOR = 10.0

Score: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
# (sick, which to fit on) → score of everyone
Baseline: TypeAlias = Callable[[Mask, Mask], Score]


@dataclass(frozen=True, slots=True)
class Looks:
    """What is known of each of N radiographs apart from its label.

    bytes: of the file. aspect: width over height. mean: of the decoded pixels, 0..1.
    pixels: uint8 [N, side, side], preprocessed.
    """

    bytes: Score
    aspect: Score
    mean: Score
    pixels: NDArray[np.uint8]

    def __getitem__(self, chosen: NDArray[np.generic]) -> "Looks":
        return Looks(
            self.bytes[chosen], self.aspect[chosen], self.mean[chosen], self.pixels[chosen]
        )


def shortcut_aurocs(examples: Sequence[Example], looks: Looks) -> dict[str, float | None]:
    """AUROC of pneumonia against normal by baseline; None where the classes are too few to fold,
    or the fact is known of no one."""
    sick = np.array([example.label > 0 for example in examples])
    folds = [validation_mask(examples, folds=FOLDS, fold=fold, seed=0) for fold in range(FOLDS)]
    side = looks.pixels.shape[1]
    baselines: dict[str, Baseline] = {
        "byte size": _by_value(looks.bytes),
        "aspect ratio": _by_value(looks.aspect),
        "mean intensity": _by_value(looks.mean),
        "border-only network": _by_pixels(looks.pixels, border(side, BORDER)),
        "corner-only network": _by_pixels(looks.pixels, corners(side, CORNER)),
    }
    for name in ("view", "site", "sex"):
        values = [getattr(example, name) for example in examples]
        if any(values):
            baselines[name] = _by_category(values)
    return {name: _auroc_over_folds(baseline, sick, folds) for name, baseline in baselines.items()}


def _auroc_over_folds(baseline: Baseline, sick: Mask, folds: Sequence[Mask]) -> float | None:
    usable = [f for f in folds if 0 < sick[f].sum() < f.sum() and 0 < sick[~f].sum() < (~f).sum()]
    if not usable:
        return None
    return float(np.mean([auroc(sick[fold], baseline(sick, ~fold)[fold]) for fold in usable]))


def _by_value(values: Score) -> Baseline:
    """The value, or minus it, whichever fits."""

    def score(sick: Mask, fitted: Mask) -> Score:
        return values if auroc(sick[fitted], values[fitted]) >= 0.5 else -values

    return score


def _by_category(values: Sequence[str]) -> Baseline:
    """How often the category was sick, drawn towards the mean where there are few."""
    categories = np.unique(np.array(values), return_inverse=True)[1]

    def score(sick: Mask, fitted: Mask) -> Score:
        counts = np.bincount(categories[fitted], minlength=categories.max() + 1)
        ill = np.bincount(categories[fitted & sick], minlength=categories.max() + 1)
        rate = (ill + _PRIOR * sick[fitted].mean()) / (counts + _PRIOR)
        return np.asarray(rate[categories], dtype=np.float64)

    return score


def _by_pixels(pixels: NDArray[np.uint8], mask: Mask) -> Baseline:
    """A network with one hidden layer on the pixels in the mask; it never sees the others."""
    x = torch.from_numpy(pixels[:, mask]).float() / 255

    def score(sick: Mask, fitted: Mask) -> Score:
        centred = (x - x[fitted].mean(0)) / (x[fitted].std(0) + 0.05)
        network = _fit(centred[fitted], torch.from_numpy(sick[fitted]).float())
        with torch.no_grad():
            return np.asarray(network(centred)[:, 0].numpy(), dtype=np.float64)

    return score


def _fit(x: torch.Tensor, sick: torch.Tensor) -> nn.Module:
    """x: float32 [N, d]. AdamW, one cycle down, seeded, the same on every run."""
    generator = Generator().manual_seed(0)
    layers = nn.Linear(x.shape[1], _HIDDEN), nn.Linear(_HIDDEN, 1)
    for layer in layers:
        bound = layer.in_features**-0.5
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        nn.init.zeros_(layer.bias)
    network = nn.Sequential(layers[0], nn.ReLU(), layers[1])
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.1)
    steps = _EPOCHS * -(-len(x) // _BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, steps)
    for _ in range(_EPOCHS):
        order = torch.randperm(len(x), generator=generator)
        for batch in torch.split(order, _BATCH):
            loss = F.binary_cross_entropy_with_logits(network(x[batch])[:, 0], sick[batch])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return network
