"""Figures of merit for binary results: discrimination and decisions; `core.calibration_metrics`
has those of the probability itself.

labels: bool [N], true for disease. scores, probability: float [N]; a higher score speaks for
disease. Every figure is also a `Statistic`: with `weights` float [R, N] it is computed once for
each of R weightings of the same images, which is how `core.statistics` resamples without a loop.
A figure that does not exist (no positives, nothing called positive) is NaN in a weighting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
ScoreArray = NDArray[np.floating]
Values: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[BoolArray, ScoreArray, Values], Values]


def value_of(statistic: Statistic, labels: BoolArray, scores: ScoreArray) -> float:
    """The statistic of the images as they are, each counted once."""
    return float(statistic(labels, scores, np.ones((1, len(labels))))[0])


def share(part: Values, whole: Values) -> Values:
    """part / whole, NaN where the whole is empty."""
    result: Values = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return result


# Discrimination


def auroc(labels: BoolArray, scores: ScoreArray) -> float:
    """Area under the ROC curve: the Mann–Whitney statistic, ties counting half.

    Raises ValueError when one class is missing, because there is no area then.
    """
    labels = np.asarray(labels, dtype=np.bool_)
    if labels.all() or not labels.any():
        raise ValueError("AUROC needs both classes")
    return value_of(weighted_auroc, labels, scores)


def weighted_auroc(labels: BoolArray, scores: ScoreArray, weights: Values) -> Values:
    """AUROC of each weighting, float64 [R]."""
    positive, negative = _by_score(labels, scores, weights)
    below = negative.cumsum(axis=1) - negative / 2  # ties count half
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return share((positive * below).sum(axis=1), pairs)


def average_precision(labels: BoolArray, scores: ScoreArray, weights: Values) -> Values:
    """Area under the precision–recall curve as the sum of its steps, without interpolation."""
    positive, negative = _by_score(labels, scores, weights)
    found = positive[:, ::-1].cumsum(axis=1)
    called = found + negative[:, ::-1].cumsum(axis=1)
    precision = np.nan_to_num(share(found, called))
    return share((precision * positive[:, ::-1]).sum(axis=1), positive.sum(axis=1))


def _by_score(labels: BoolArray, scores: ScoreArray, weights: Values) -> tuple[Values, Values]:
    """Weight of positives and of negatives at each distinct score, ascending: float64 [R, D]."""
    order = np.argsort(scores, kind="stable")
    ordered = np.asarray(scores)[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sorted_weights, sick = weights[:, order], labels[order]
    positive: Values = np.add.reduceat(sorted_weights * sick, starts, axis=1)
    negative: Values = np.add.reduceat(sorted_weights * ~sick, starts, axis=1)
    return positive, negative


def roc_curve(labels: BoolArray, scores: ScoreArray) -> Values:
    """float64 [D + 1, 3]: false positive rate, sensitivity and the lowest score called positive,
    from nothing called (threshold infinite) to everything."""
    positive, negative = _by_score(labels, scores, np.ones((1, len(labels))))
    sensitivity = np.concatenate([[0], positive[0, ::-1].cumsum()]) / positive.sum()
    false_rate = np.concatenate([[0], negative[0, ::-1].cumsum()]) / negative.sum()
    thresholds = np.concatenate([[np.inf], np.unique(scores)[::-1]])
    return np.stack([false_rate, sensitivity, thresholds], axis=1)


def precision_recall_curve(labels: BoolArray, scores: ScoreArray) -> Values:
    """float64 [D, 2]: recall and precision as the threshold falls from the highest score."""
    positive, negative = _by_score(labels, scores, np.ones((1, len(labels))))
    found = positive[0, ::-1].cumsum()
    called = found + negative[0, ::-1].cumsum()
    return np.stack([found / positive.sum(), found / called], axis=1)


# Decisions at a threshold


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts at one threshold; float64 [R], one for each weighting."""

    true_positive: Values
    false_positive: Values
    true_negative: Values
    false_negative: Values

    @property
    def sensitivity(self) -> Values:
        return share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> Values:
        return share(self.true_negative, self.true_negative + self.false_positive)

    @property
    def precision(self) -> Values:
        return share(self.true_positive, self.true_positive + self.false_positive)

    @property
    def negative_predictive_value(self) -> Values:
        return share(self.true_negative, self.true_negative + self.false_negative)

    @property
    def accuracy(self) -> Values:
        right = self.true_positive + self.true_negative
        return share(right, right + self.false_positive + self.false_negative)

    @property
    def f1(self) -> Values:
        twice = 2 * self.true_positive
        return share(twice, twice + self.false_positive + self.false_negative)

    @property
    def mcc(self) -> Values:
        """Matthews correlation coefficient, −1..1; NaN where a row or column is empty."""
        tp, fp = self.true_positive, self.false_positive
        tn, fn = self.true_negative, self.false_negative
        product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        return share(tp * tn - fp * fn, np.sqrt(product))


def confusion(labels: BoolArray, positive: BoolArray, weights: Values | None = None) -> Confusion:
    """labels: what is true; positive: what was called."""
    if weights is None:
        weights = np.ones((1, len(labels)))
    cells = np.stack(
        [labels & positive, ~labels & positive, ~labels & ~positive, labels & ~positive]
    )
    return Confusion(*(weights @ cells.T.astype(np.float64)).T)


def at_threshold(threshold: float, figure: Callable[[Confusion], Values]) -> Statistic:
    """The statistic that takes `figure` of the counts with scores >= threshold called positive."""

    def statistic(labels: BoolArray, scores: ScoreArray, weights: Values) -> Values:
        return figure(confusion(labels, scores >= threshold, weights))

    return statistic


def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float, float]:
    """PPV and NPV where `prevalence` of the patients are ill, by Bayes' theorem; NaN where
    nothing is called so."""
    called = sensitivity * prevalence + (1 - specificity) * (1 - prevalence)
    ppv = sensitivity * prevalence / called if called > 0 else float("nan")
    npv = specificity * (1 - prevalence) / (1 - called) if called < 1 else float("nan")
    return ppv, npv


def net_benefit(labels: BoolArray, probability: ScoreArray, threshold: float) -> float:
    """True positives less false positives weighed by the odds of the threshold, per patient
    (Vickers & Elkin 2006, doi 10.1177/0272989X06295361). threshold: 0 < p < 1."""
    called = probability >= threshold
    true, false = (labels & called).mean(), (~labels & called).mean()
    return float(true - false * threshold / (1 - threshold))
