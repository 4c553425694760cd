"""The uncertain band, by split conformal prediction on the validation fold.

Each class has its own quantile (Mondrian), because the mix of the sick and the well differs from
hospital to hospital and the promise must hold for both.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pneumoscope.core.operating import OperatingPoint, UncertainBand
from pneumoscope.lab.calibration import fit_temperature, log_odds, probability_of

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ALPHA = 0.10


def conformal_limits(score: FloatArray, ill: BoolArray, alpha: float) -> tuple[float, float]:
    """The lowest score that keeps the label pneumonia and the highest that keeps normal.

    score: float64 [N], higher for pneumonia. ill: bool [N]. A new example of either class keeps its
    label with a probability of at least 1 − alpha, if it is exchangeable with these (Vovk 2012);
    with fewer than 1 / alpha − 1 examples a limit is infinite.
    """
    sick, well = np.sort(score[ill]), np.sort(-score[~ill])
    lowest, highest = (_quantile(values, alpha) for values in (sick, well))
    return lowest, -highest


def _quantile(ascending: FloatArray, alpha: float) -> float:
    """Value number floor(alpha (n + 1)), counted from 1; minus infinity where that is 0."""
    rank = int(np.floor(alpha * (len(ascending) + 1)))
    return float(ascending[rank - 1]) if rank else -np.inf


def conformal_band(score: FloatArray, ill: BoolArray, alpha: float) -> tuple[float, float]:
    """Lowest and highest uncertain score.

    Where the limits overlap, scores between them keep both labels. Where they do not, scores
    between them keep neither: less like pneumonia than 1 − alpha of the sick and less like normal
    than 1 − alpha of the well. Both are uncertain, which can only raise the coverage.
    """
    limits = conformal_limits(score, ill, alpha)
    return min(limits), max(limits)


def fit_band(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    patients: NDArray[np.str_],
    *,
    temperature: float,
    points: Sequence[OperatingPoint],
    alpha: float = ALPHA,
) -> UncertainBand:
    """The band of a bundle, with its measured coverage.

    logits: float32 [N, classes]. patients: str [N]; copies of an image share their patient.
    """
    low, high = conformal_band(log_odds(logits, temperature), labels > 0, alpha)
    thresholds = [point.threshold for point in points]
    band = UncertainBand(
        low=min(probability_of(low), *thresholds),
        high=max(probability_of(high), *thresholds),
        alpha=alpha,
        coverage={},
        flagged={},
    )
    coverage, flagged = measured_coverage(logits, labels, patients, alpha)
    return replace(band, coverage=coverage, flagged=flagged)


def measured_coverage(
    logits: NDArray[np.float32], labels: NDArray[np.int64], patients: NDArray[np.str_], alpha: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Share of kept labels and of uncertain results by class, where nothing was fitted.

    The patients are dealt into halves; temperature and band of one half are measured on the other.
    """
    first = np.isin(patients, np.random.default_rng(0).permutation(np.unique(patients))[::2])
    kept, unsure = np.zeros(len(labels), np.bool_), np.zeros(len(labels), np.bool_)
    for fitted in (first, ~first):
        temperature = fit_temperature(logits[fitted], labels[fitted])
        score, ill = log_odds(logits, temperature), labels > 0
        low, high = conformal_band(score[fitted], ill[fitted], alpha)
        kept[~fitted] = np.where(ill, score >= low, score <= high)[~fitted]
        unsure[~fitted] = ((score >= low) & (score <= high))[~fitted]
    classes = {"normal": labels == 0, "pneumonia": labels > 0}
    return (
        {name: float(kept[chosen].mean()) for name, chosen in classes.items()},
        {name: float(unsure[chosen].mean()) for name, chosen in classes.items()},
    )
