"""How figures are written: four digits, an interval beside each, null for what does not exist."""

import math

import numpy as np

from pneumoscope.core.metrics import BoolArray, ScoreArray, Statistic, Values
from pneumoscope.core.report import Figure
from pneumoscope.core.statistics import estimate

DIGITS = 4


def rounded(value: float) -> float | None:
    """Four digits; None for NaN and infinity, which JSON does not have."""
    return round(float(value), DIGITS) if math.isfinite(value) else None


def rounded_rows(rows: Values) -> list[list[float | None]]:
    return [[rounded(value) for value in row] for row in np.asarray(rows).tolist()]


def figure(statistic: Statistic, labels: BoolArray, scores: ScoreArray, weights: Values) -> Figure:
    """The value with the ends of its 95 % interval."""
    found = estimate(statistic, labels, scores, weights)
    return [rounded(value) for value in (found.value, found.low, found.high)]
