"""`report.json`: the figures measured on a finished bundle, and how a figure is written.

Written by `pneumoscope evaluate`, kept beside the bundle: model, date, sets by name, and, where
everything was measured at once, targets and speed. A figure is [value, low, high] with its 95 %
interval, null where it does not exist.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pneumoscope.core.card import read_card
from pneumoscope.core.errors import BundleCorrupt

Report: TypeAlias = dict[str, Any]
Figure: TypeAlias = Sequence[float | None]

TITLES = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity (recall)",
    "specificity": "Specificity",
    "precision": "Precision (PPV)",
    "npv": "Negative predictive value",
    "f1": "F1",
    "mcc": "Matthews correlation",
    "ece": "Expected calibration error",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration in the large",
}


def read_report(folder: Path) -> Report | None:
    """The bundle's `report.json`, or None when there is none or it speaks of another bundle.

    Raises BundleCorrupt where it is no report.
    """
    path = folder / "report.json"
    if not path.is_file():
        return None
    try:
        report: Report = json.loads(path.read_text(encoding="utf-8"))
        measured, _, _ = report["model"]["hash"], report["date"], dict(report["sets"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleCorrupt(f"{folder.name}/report.json is no report: {error!r}") from error
    _, content_hash = read_card(folder)
    return report if measured == content_hash else None


def number(value: float | None, digits: int = 3) -> str:
    """A dash for what does not exist, and a true minus sign."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def span(figure: Figure) -> str:
    """The interval alone."""
    _, low, high = figure
    return "" if low is None or high is None else f"{number(low)} – {number(high)}"


def whole(figure: Figure) -> str:
    """Value and interval."""
    return f"{number(figure[0])} ({span(figure)})" if span(figure) else number(figure[0])
