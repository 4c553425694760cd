"""Two bundles on the same radiographs: is one better, or was it luck?"""

import numpy as np

from pneumoscope.core.bundle import Bundle
from pneumoscope.core.calibration_metrics import (
    weighted_brier,
    weighted_calibration_error,
)
from pneumoscope.core.metrics import (
    Statistic,
    weighted_auroc,
)
from pneumoscope.core.report import Report
from pneumoscope.core.statistics import (
    Difference,
    bootstrap_weights,
    delong,
    mcnemar,
    paired_difference,
)
from pneumoscope.lab.evaluation.figures import decisions, figures
from pneumoscope.lab.evaluation.readings import Readings
from pneumoscope.lab.evaluation.rounding import rounded

_COMPARED = ("accuracy", "sensitivity", "specificity", "f1", "mcc")


def compare(first: Bundle, second: Bundle, readings: Readings, others: Readings) -> Report | None:
    """first − second on what both read, each at its own threshold.

    DeLong's test for the AUROC, exact McNemar for the decisions, and a bootstrap over patients,
    in the same draws for both, for every figure. None when a class has fewer than two images.
    """
    theirs = {reading.case.path: reading.probability for reading in others.read}
    common = readings.where(lambda case: case.path in theirs)
    ill, ours = common.ill, common.probability
    if min(ill.sum(), (~ill).sum()) < 2:
        return None
    scores = (ours, np.array([theirs[reading.case.path] for reading in common.read]))
    thresholds = (first.card.threshold, second.card.threshold)
    right = [(s >= t) == ill for s, t in zip(scores, thresholds, strict=True)]
    only_first, only_second, p = mcnemar(*right)
    weights = bootstrap_weights(ill, common.patients)
    pairs: dict[str, tuple[Statistic, Statistic]] = {
        "auroc": (weighted_auroc, weighted_auroc),
        "brier": (weighted_brier, weighted_brier),
        "ece": (weighted_calibration_error, weighted_calibration_error),
    }
    at = [decisions(threshold) for threshold in thresholds]
    pairs |= {name: (at[0][name], at[1][name]) for name in _COMPARED}
    return {
        "model": {"name": second.name, "version": second.version, "hash": second.hash},
        "images": len(ill),
        "second": figures(others, second.card.threshold),
        "delong": _row(delong(ill, *scores)),
        "mcnemar": {
            "only_first_right": only_first,
            "only_second_right": only_second,
            "p": rounded(p),
        },
        "differences": {
            name: _row(paired_difference(pair, ill, scores, weights))
            for name, pair in pairs.items()
        },
    }


def _row(difference: Difference) -> Report:
    return {
        "difference": [rounded(v) for v in (difference.value, difference.low, difference.high)],
        "p": rounded(difference.p),
    }
