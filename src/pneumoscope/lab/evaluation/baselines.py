"""What can be reached without looking at the radiograph. A model that is no better has learned
nothing; where these are good, the set can be read by its files."""

from collections.abc import Callable

import numpy as np

from pneumoscope.core.calibration_metrics import (
    weighted_brier,
)
from pneumoscope.core.metrics import (
    BoolArray,
    Values,
    auroc,
    average_precision,
    roc_curve,
    value_of,
)
from pneumoscope.core.report import Report
from pneumoscope.lab.evaluation.figures import decisions
from pneumoscope.lab.evaluation.readings import Reading, Readings
from pneumoscope.lab.evaluation.rounding import rounded

_SCORES: dict[str, Callable[[Reading], float]] = {
    "file size": lambda reading: reading.file_bytes,
    "aspect ratio": lambda reading: reading.size[0] / reading.size[1],
    "mean brightness": lambda reading: reading.brightness,
}


def baselines(readings: Readings) -> list[Report]:
    """Figures of each: calling everybody ill, and three numbers that know nothing of lungs.

    Direction and threshold of those three are the best possible on this very set (Youden), which
    flatters them: they are to be beaten by far.
    """
    ill = readings.ill
    rows: list[Report] = [{"name": "always pneumonia", "figures": _always(ill)}]
    for name, score in _SCORES.items():
        scores = np.array([score(reading) for reading in readings.read], dtype=np.float64)
        if auroc(ill, scores) < 0.5:
            scores = -scores
        rows.append({"name": name, "figures": _figures(ill, scores)})
    return rows


def _always(ill: BoolArray) -> Report:
    """Everything called positive; as a probability, the share of the ill."""
    share = np.full(len(ill), ill.mean())
    found = {name: value_of(s, ill, share) for name, s in decisions(0.0).items()}
    found |= {"auroc": 0.5, "average_precision": float(ill.mean())}
    found["brier"] = value_of(weighted_brier, ill, share)
    return {name: rounded(value) for name, value in found.items()}


def _figures(ill: BoolArray, scores: Values) -> Report:
    curve = roc_curve(ill, scores)
    threshold = float(curve[1:][(curve[1:, 1] - curve[1:, 0]).argmax(), 2])
    found = {name: value_of(s, ill, scores) for name, s in decisions(threshold).items()}
    found["auroc"] = auroc(ill, scores)
    found["average_precision"] = value_of(average_precision, ill, scores)
    return {name: rounded(value) for name, value in found.items()}
