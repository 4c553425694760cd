"""Figures of merit for binary results. Labels: bool [N], true for disease. Scores: float [N]."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
ScoreArray = NDArray[np.floating]
Statistic: TypeAlias = Callable[[BoolArray, ScoreArray], float]


def auroc(labels: BoolArray, scores: ScoreArray) -> float:
    """Area under the ROC curve: the Mann–Whitney statistic, ties counting half.

    Raises ValueError when one class is missing, because there is no area then.
    """
    labels = np.asarray(labels, dtype=np.bool_)
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        raise ValueError("AUROC needs both classes")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[inverse]  # midranks, from 1
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts at one threshold."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int

    @property
    def sensitivity(self) -> float:
        return self.true_positive / (self.true_positive + self.false_negative)

    @property
    def specificity(self) -> float:
        return self.true_negative / (self.true_negative + self.false_positive)

    @property
    def precision(self) -> float:
        return self.true_positive / (self.true_positive + self.false_positive)

    @property
    def accuracy(self) -> float:
        right = self.true_positive + self.true_negative
        return right / (right + self.false_positive + self.false_negative)

    @property
    def f1(self) -> float:
        return (
            2
            * self.true_positive
            / (2 * self.true_positive + self.false_positive + self.false_negative)
        )


def confusion(labels: BoolArray, positive: BoolArray) -> Confusion:
    """labels: what is true; positive: what was called."""
    return Confusion(
        true_positive=int((labels & positive).sum()),
        false_positive=int((~labels & positive).sum()),
        true_negative=int((~labels & ~positive).sum()),
        false_negative=int((labels & ~positive).sum()),
    )


def brier(labels: BoolArray, probability: ScoreArray) -> float:
    """Mean squared difference between probability and outcome (Brier 1950)."""
    return float(np.square(probability - labels).mean())


def expected_calibration_error(labels: BoolArray, probability: ScoreArray, bins: int = 10) -> float:
    """Mean |observed − predicted| over equal-width bins, weighted by their size (Naeini 2015)."""
    index = np.minimum((np.asarray(probability) * bins).astype(np.int64), bins - 1)
    size = np.bincount(index, minlength=bins)
    predicted = np.bincount(index, weights=probability, minlength=bins)
    observed = np.bincount(index, weights=labels, minlength=bins)
    return float(np.abs(observed - predicted).sum() / size.sum())


def bootstrap_interval(
    statistic: Statistic,
    labels: BoolArray,
    scores: ScoreArray,
    groups: NDArray[np.generic],
    *,
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % percentile interval of statistic(labels, scores), resampling groups (patients) with
    replacement within each label, so that images of one patient stay together."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    sick = [m for m in members if labels[m[0]]]
    well = [m for m in members if not labels[m[0]]]
    values = []
    for _ in range(repeats):
        drawn = [s[i] for s in (sick, well) for i in rng.integers(0, len(s), len(s))]
        index = np.concatenate(drawn)
        values.append(statistic(labels[index], scores[index]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
