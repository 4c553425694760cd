"""The figures of one set of readings, every one with its interval over patients."""

from collections.abc import Collection, Mapping

import numpy as np

from pneumoscope.core.calibration_metrics import (
    calibration_bins,
    calibration_intercept,
    calibration_slope,
    log_loss,
    weighted_brier,
    weighted_calibration_error,
)
from pneumoscope.core.card import Card
from pneumoscope.core.metrics import (
    BoolArray,
    Confusion,
    ScoreArray,
    Statistic,
    Values,
    at_threshold,
    average_precision,
    confusion,
    net_benefit,
    precision_recall_curve,
    predictive_values,
    roc_curve,
    weighted_auroc,
)
from pneumoscope.core.report import Figure, Report
from pneumoscope.core.statistics import bootstrap_weights
from pneumoscope.lab.evaluation.readings import Readings
from pneumoscope.lab.evaluation.rounding import figure, rounded, rounded_rows

PREVALENCES = (0.05, 0.10, 0.20, 0.40)
DECISION_THRESHOLDS = np.round(np.arange(0.02, 0.99, 0.02), 2)
RANKING: Mapping[str, Statistic] = {
    "auroc": weighted_auroc,
    "average_precision": average_precision,
}
CALIBRATION: Mapping[str, Statistic] = {
    "ece": weighted_calibration_error,
    "brier": weighted_brier,
    "log_loss": log_loss,
    "calibration_slope": calibration_slope,
    "calibration_intercept": calibration_intercept,
}


def decisions(threshold: float) -> dict[str, Statistic]:
    """The figures of the decision at a threshold."""
    return {
        "accuracy": at_threshold(threshold, lambda c: c.accuracy),
        "sensitivity": at_threshold(threshold, lambda c: c.sensitivity),
        "specificity": at_threshold(threshold, lambda c: c.specificity),
        "precision": at_threshold(threshold, lambda c: c.precision),
        "npv": at_threshold(threshold, lambda c: c.negative_predictive_value),
        "f1": at_threshold(threshold, lambda c: c.f1),
        "mcc": at_threshold(threshold, lambda c: c.mcc),
    }


def figures(readings: Readings, threshold: float) -> Report:
    """Confusion, figures, aetiology, the share called uncertain."""
    ill, probability = readings.ill, readings.probability
    return {
        "images": len(ill),
        "ill": int(ill.sum()),
        "patients": len(np.unique(readings.patients)),
        "threshold": threshold,
        "confusion": confusion_counts(confusion(ill, probability >= threshold)),
        "figures": named_figures(readings, threshold),
        "aetiology": _aetiology(readings),
        "uncertain": _uncertain(readings, threshold),
    }


def named_figures(
    readings: Readings, threshold: float, names: Collection[str] | None = None
) -> dict[str, Figure]:
    """The figures of these names, or all, each with its interval over patients."""
    ill, probability = readings.ill, readings.probability
    weights = bootstrap_weights(ill, readings.patients)
    return {
        name: figure(statistic, ill, probability, weights)
        for name, statistic in {**RANKING, **decisions(threshold), **CALIBRATION}.items()
        if names is None or name in names
    }


def confusion_counts(counts: Confusion) -> dict[str, int]:
    return {
        name: int(getattr(counts, name)[0])
        for name in ("true_positive", "false_negative", "false_positive", "true_negative")
    }


def _aetiology(readings: Readings) -> Report | None:
    """Bacterial against viral among the ill of whom the source says which."""
    chosen = [
        reading
        for reading in readings.read
        if reading.case.target in ("bacterial", "viral") and reading.bacterial is not None
    ]
    bacterial = np.array([reading.case.target == "bacterial" for reading in chosen], dtype=np.bool_)
    if bacterial.all() or not bacterial.any():
        return None
    scores = np.array([reading.bacterial for reading in chosen], dtype=np.float64)
    weights = bootstrap_weights(bacterial, np.array([r.case.patient for r in chosen]))
    more_likely = decisions(0.0)  # log-odds
    statistics = {"auroc": weighted_auroc, "accuracy": more_likely["accuracy"]}
    return {
        "images": len(chosen),
        "bacterial": int(bacterial.sum()),
        "figures": {
            name: figure(statistic, bacterial, scores, weights)
            for name, statistic in statistics.items()
        },
    }


def _uncertain(readings: Readings, threshold: float) -> Report:
    """How many results the model calls uncertain, and how many of the others are right."""
    uncertain = np.array([reading.uncertain for reading in readings.read], dtype=np.bool_)
    right = (readings.probability >= threshold) == readings.ill
    return {
        "share": rounded(float(uncertain.mean())),
        "accuracy_of_the_others": rounded(_mean(right[~uncertain])),
        # What the conformal set promises: it holds the truth in so many of a hundred.
        "coverage": rounded(float((right | uncertain).mean())),
        "coverage_ill": rounded(_mean((right | uncertain)[readings.ill])),
        "coverage_well": rounded(_mean((right | uncertain)[~readings.ill])),
    }


def _mean(values: BoolArray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def operating_points(readings: Readings, card: Card) -> list[Report]:
    """Each of the card's operating points: sensitivity and specificity here, and what a result is
    worth where pneumonia is rarer or commoner than in this set."""
    ill, probability = readings.ill, readings.probability
    weights = bootstrap_weights(ill, readings.patients)
    rows = []
    for point in card.operating_points.values():
        threshold = point.threshold
        counts = confusion(ill, probability >= threshold)
        sensitivity, specificity = float(counts.sensitivity[0]), float(counts.specificity[0])
        row: Report = {
            "name": point.name,
            "threshold": threshold,
            "confusion": confusion_counts(counts),
        }
        for title, statistic in decisions(threshold).items():
            row[title] = figure(statistic, ill, probability, weights)
        row["at_prevalence"] = [
            [p, *(rounded(v) for v in predictive_values(sensitivity, specificity, p))]
            for p in PREVALENCES
        ]
        rows.append(row)
    return rows


def curves(readings: Readings) -> Report:
    """What the plots draw. roc: false positive rate, sensitivity. precision_recall: recall,
    precision. calibration: mean probability, observed share, images. decision: threshold, net
    benefit of the model and of treating everybody. distribution: images per twentieth of the
    probability, the well and the ill."""
    ill, probability = readings.ill, readings.probability
    edges = np.linspace(0, 1, 21)
    return {
        "roc": rounded_rows(_corners(roc_curve(ill, probability)[:, :2])),
        "precision_recall": rounded_rows(_corners(precision_recall_curve(ill, probability))),
        "calibration": rounded_rows(calibration_bins(ill, probability)),
        "decision": rounded_rows(_decision_curve(ill, probability)),
        "distribution": [
            np.histogram(probability[members], bins=edges)[0].tolist() for members in (~ill, ill)
        ],
    }


def _corners(curve: Values) -> Values:
    """The curve without the points that lie on a straight line between their neighbours."""
    if len(curve) < 3:
        return curve
    before, after = np.diff(curve[:-1], axis=0), np.diff(curve[1:], axis=0)
    turn = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-12
    kept: Values = curve[np.concatenate([[True], turn, [True]])]
    return kept


def _decision_curve(ill: BoolArray, probability: ScoreArray) -> Values:
    everybody = np.ones(len(ill))
    return np.array(
        [
            (t, net_benefit(ill, probability, t), net_benefit(ill, everybody, t))
            for t in DECISION_THRESHOLDS.tolist()
        ]
    )
