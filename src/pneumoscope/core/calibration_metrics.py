"""Whether a probability is what it says: figures of merit, as `core.metrics` defines them."""

import numpy as np

from pneumoscope.core.metrics import BoolArray, ScoreArray, Values, share


def weighted_brier(labels: BoolArray, probability: ScoreArray, weights: Values) -> Values:
    """Mean squared difference between probability and outcome (Brier 1950), float64 [R]."""
    error: Values = weights @ np.square(probability - labels)
    return share(error, weights.sum(axis=1))


def log_loss(labels: BoolArray, probability: ScoreArray, weights: Values) -> Values:
    """Mean negative log-likelihood in nats; probabilities are kept 1e-7 away from 0 and 1."""
    p = np.clip(probability, 1e-7, 1 - 1e-7)
    likelihood: Values = weights @ np.where(labels, np.log(p), np.log1p(-p))
    return share(-likelihood, weights.sum(axis=1))


def weighted_calibration_error(
    labels: BoolArray, probability: ScoreArray, weights: Values
) -> Values:
    """Mean |observed − predicted| over ten equal-width bins, weighted by their size (Naeini
    2015), float64 [R]."""
    bins = 10
    index = np.minimum((np.asarray(probability) * bins).astype(np.int64), bins - 1)
    members = (index[:, None] == np.arange(bins)).astype(np.float64)
    difference: Values = np.abs(weights @ (members * (labels - probability)[:, None]))
    return share(difference.sum(axis=1), weights.sum(axis=1))


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
