"""Figures of merit for binary results.

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


def _share(part: Values, whole: Values) -> Values:
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
    return _share((positive * below).sum(axis=1), pairs)


def average_precision(labels: BoolArray, scores: ScoreArray, weights: Values) -> Values:
    """Area under the precision–recall curve as the sum of its steps, without interpolation."""
    positive, negative = _by_score(labels, scores, weights)
    found = positive[:, ::-1].cumsum(axis=1)
    called = found + negative[:, ::-1].cumsum(axis=1)
    precision = np.nan_to_num(_share(found, called))
    return _share((precision * positive[:, ::-1]).sum(axis=1), positive.sum(axis=1))


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
        return _share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> Values:
        return _share(self.true_negative, self.true_negative + self.false_positive)

    @property
    def precision(self) -> Values:
        return _share(self.true_positive, self.true_positive + self.false_positive)

    @property
    def negative_predictive_value(self) -> Values:
        return _share(self.true_negative, self.true_negative + self.false_negative)

    @property
    def accuracy(self) -> Values:
        right = self.true_positive + self.true_negative
        return _share(right, right + self.false_positive + self.false_negative)

    @property
    def f1(self) -> Values:
        twice = 2 * self.true_positive
        return _share(twice, twice + self.false_positive + self.false_negative)

    @property
    def mcc(self) -> Values:
        """Matthews correlation coefficient, −1..1; NaN where a row or column is empty."""
        tp, fp = self.true_positive, self.false_positive
        tn, fn = self.true_negative, self.false_negative
        product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        return _share(tp * tn - fp * fn, np.sqrt(product))


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


# Calibration


def weighted_brier(labels: BoolArray, probability: ScoreArray, weights: Values) -> Values:
    """Mean squared difference between probability and outcome (Brier 1950), float64 [R]."""
    error: Values = weights @ np.square(probability - labels)
    return _share(error, weights.sum(axis=1))


def log_loss(labels: BoolArray, probability: ScoreArray, weights: Values) -> Values:
    """Mean negative log-likelihood in nats; probabilities are kept 1e-7 away from 0 and 1."""
    p = np.clip(probability, 1e-7, 1 - 1e-7)
    likelihood: Values = weights @ np.where(labels, np.log(p), np.log1p(-p))
    return _share(-likelihood, weights.sum(axis=1))


def weighted_calibration_error(
    labels: BoolArray, probability: ScoreArray, weights: Values
) -> Values:
    """Mean |observed − predicted| over ten equal-width bins, weighted by their size (Naeini
    2015), float64 [R]."""
    bins = 10
    index = np.minimum((np.asarray(probability) * bins).astype(np.int64), bins - 1)
    members = (index[:, None] == np.arange(bins)).astype(np.float64)
    difference: Values = np.abs(weights @ (members * (labels - probability)[:, None]))
    return _share(difference.sum(axis=1), weights.sum(axis=1))


def calibration_slope(labels: BoolArray, probability: ScoreArray, weights: Values) -> Values:
    """Slope of the logistic regression of the outcome on the logit of the probability
    (Cox 1958). 1 is right; below it, probabilities are too extreme."""
    return _logistic_fit(labels, _logit(probability), weights, slope=True)[1]


def calibration_intercept(labels: BoolArray, probability: ScoreArray, weights: Values) -> Values:
    """Calibration in the large: the intercept of that regression with its slope held at 1. 0 is
    right; below it, probabilities are too high on the whole."""
    return _logistic_fit(labels, _logit(probability), weights, slope=False)[0]


def _logit(probability: ScoreArray) -> Values:
    p = np.clip(np.asarray(probability, dtype=np.float64), 1e-7, 1 - 1e-7)
    return np.log(p) - np.log1p(-p)


def _logistic_fit(
    labels: BoolArray, x: Values, weights: Values, *, slope: bool
) -> tuple[Values, Values]:
    """Maximum likelihood intercept a and slope b of P = 1 / (1 + exp(−a − b x)), each float64 [R],
    by Newton's method in all weightings at once. NaN where there is no maximum (separated
    classes)."""
    # From no slope: from a steep start Newton's steps would run away.
    a, b = np.zeros(len(weights)), np.full(len(weights), 0.0 if slope else 1.0)
    with np.errstate(all="ignore"):  # what diverges becomes NaN below
        for _ in range(50):
            p = 1 / (1 + np.exp(-np.clip(a[:, None] + b[:, None] * x, -700, 700)))
            residual, curvature = weights * (labels - p), weights * p * (1 - p)
            g0, h00 = residual.sum(axis=1), curvature.sum(axis=1)
            if slope:
                g1, h01, h11 = residual @ x, curvature @ x, curvature @ x**2
                determinant = h00 * h11 - h01**2
                step = ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant)
            else:
                step = (g0 / h00, np.zeros_like(b))
            a, b = a + np.clip(step[0], -5, 5), b + np.clip(step[1], -5, 5)
    found = np.maximum(np.abs(step[0]), np.abs(step[1])) < 1e-6
    return np.where(found, a, np.nan), np.where(found, b, np.nan)


def calibration_bins(labels: BoolArray, probability: ScoreArray, bins: int = 10) -> Values:
    """float64 [≤ bins, 3]: mean probability, observed share and count of images, in bins of equal
    size by rank; for drawing the calibration curve."""
    order = np.array_split(np.argsort(probability, kind="stable"), bins)
    return np.array(
        [(probability[i].mean(), labels[i].mean(), len(i)) for i in order if len(i)],
        dtype=np.float64,
    )
