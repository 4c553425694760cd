"""How sure a figure is, and whether two models differ: intervals and tests.

Images of one patient are not independent. Intervals therefore resample patients, not images
(Field & Welsh 2007), within those with and without disease, so that every draw holds both.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.core.metrics import BoolArray, ScoreArray, Statistic, Values, value_of

REPEATS = 1000
# A figure that too few draws define has no interval.
_DEFINED_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """first − second with its 95 % interval and the two-sided p of no difference."""

    value: float
    low: float
    high: float
    p: float


def bootstrap_weights(
    labels: BoolArray, groups: NDArray[np.generic], *, repeats: int = REPEATS, seed: int = 0
) -> Values:
    """How often each image is drawn, float64 [repeats, N]: patients are drawn with replacement,
    within those that have an image with the disease and those that have none.

    groups: [N], the patient of each image.
    """
    rng = np.random.default_rng(seed)
    patients, member = np.unique(groups, return_inverse=True)
    ill = np.zeros(len(patients), dtype=np.bool_)
    ill[member[labels]] = True
    drawn = np.zeros((repeats, len(patients)))
    for stratum in (np.flatnonzero(ill), np.flatnonzero(~ill)):
        if len(stratum):
            drawn[:, stratum] = rng.multinomial(
                len(stratum), np.full(len(stratum), 1 / len(stratum)), size=repeats
            )
    return drawn[:, member]


def estimate(
    statistic: Statistic, labels: BoolArray, scores: ScoreArray, weights: Values
) -> Estimate:
    """The figure and its percentile interval. weights: from `bootstrap_weights`."""
    value = value_of(statistic, labels, scores)
    return Estimate(value, *_interval(_defined(statistic(labels, scores, weights))))


def _defined(draws: Values) -> Values:
    """The draws in which the figure exists; all NaN where those are too few."""
    exists = ~np.isnan(draws)
    return draws[exists] if exists.mean() >= _DEFINED_SHARE else np.full(1, np.nan)


def _interval(draws: Values) -> tuple[float, float]:
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def paired_difference(
    statistics: tuple[Statistic, Statistic],
    labels: BoolArray,
    scores: tuple[ScoreArray, ScoreArray],
    weights: Values,
) -> Difference:
    """The first model's figure less the second's on the same images, in the same draws.

    Two statistics, because each model has its own threshold. p: twice the share of draws on the
    far side of no difference, at least 2 / (draws + 1); NaN where there is no interval.
    """
    first, second = zip(statistics, scores, strict=True)
    value = value_of(first[0], labels, first[1]) - value_of(second[0], labels, second[1])
    draws = _defined(first[0](labels, first[1], weights) - second[0](labels, second[1], weights))
    tail = 1 + min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    p = math.nan if np.isnan(draws).any() else min(1.0, 2 * tail / (len(draws) + 1))
    return Difference(value, *_interval(draws), p)


def delong(labels: BoolArray, first: ScoreArray, second: ScoreArray) -> Difference:
    """The difference of two AUROCs on the same images (DeLong et al. 1988, by the algorithm of
    Sun & Xu 2014, doi 10.1109/LSP.2014.2337313). It takes images as independent; where patients
    have several, `paired_difference` is the one to trust.

    Raises ValueError when a class has fewer than two images. p is 1 for equal rankings.
    """
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if min(positives, negatives) < 2:
        raise ValueError("DeLong's test needs two images of each class")
    placements = [_placements(labels, np.asarray(scores)) for scores in (first, second)]
    sick = np.stack([p[0] for p in placements])
    well = np.stack([p[1] for p in placements])
    areas = sick.mean(axis=1)
    covariance = np.cov(sick) / positives + np.cov(well) / negatives
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    value = float(areas[0] - areas[1])
    # Rounding leaves a trace of variance where the rankings are equal.
    error = math.sqrt(variance) if variance > 1e-18 else 0.0
    p = math.erfc(abs(value) / error / math.sqrt(2)) if error else float(abs(value) < 1e-12)
    return Difference(value, value - 1.959964 * error, value + 1.959964 * error, p)


def _placements(labels: BoolArray, scores: ScoreArray) -> tuple[Values, Values]:
    """Share of negatives below each positive, and of positives above each negative; ties half."""
    sick, well = scores[labels], scores[~labels]
    ranks = _midranks(np.concatenate([sick, well]))
    below = (ranks[: len(sick)] - _midranks(sick)) / len(well)
    above = 1 - (ranks[len(sick) :] - _midranks(well)) / len(sick)
    return below, above


def _midranks(scores: ScoreArray) -> Values:
    """Ranks from 1; equal scores share the mean of theirs."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks: Values = (counts.cumsum() - (counts - 1) / 2)[inverse]
    return ranks


def mcnemar(first_right: BoolArray, second_right: BoolArray) -> tuple[int, int, float]:
    """Images only the first had right, only the second had right, and the exact two-sided p
    (McNemar 1947; binomial, no approximation)."""
    b, c = int((first_right & ~second_right).sum()), int((~first_right & second_right).sum())
    n, fewer = b + c, min(b, c)
    # Through logarithms: the binomial coefficients of large n overflow a float.
    log_half = n * math.log(2)
    log_factorial = math.lgamma(n + 1)
    tail = sum(
        math.exp(log_factorial - math.lgamma(k + 1) - math.lgamma(n - k + 1) - log_half)
        for k in range(fewer + 1)
    )
    return b, c, min(1.0, 2 * tail)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927), for counts without patients to resample."""
    if trials == 0:
        return math.nan, math.nan
    z2, share = 1.959964**2, successes / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2)))
    half /= 1 + z2 / trials
    return max(0.0, centre - half), min(1.0, centre + half)
