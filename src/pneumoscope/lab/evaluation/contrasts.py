"""Further questions to the same readings: other classes against each other, one view alone, the
sensitivity where a group of the healthy is called healthy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumoscope.core.report import Report
from pneumoscope.lab.evaluation.cases import NORMAL, OPACITY, RSNA_CLASSES
from pneumoscope.lab.evaluation.figures import named_figures
from pneumoscope.lab.evaluation.readings import Readings
from pneumoscope.lab.evaluation.rounding import rounded
from pneumoscope.lab.evaluation.subgroups import SMALLEST


@dataclass(frozen=True, slots=True)
class Contrast:
    """name: for people. targets: of whom, all where None. view: only this one."""

    name: str
    targets: frozenset[str] | None = None
    view: str = ""
    # The share of the healthy that must be called healthy; 0 to leave this question out.
    at_specificity: float = 0.0


_TWO = frozenset({OPACITY, NORMAL})
NIH_CONTRASTS = (
    Contrast("Lung Opacity against Normal, AP", _TWO, "AP"),
    Contrast("Lung Opacity against Normal, PA", _TWO, "PA"),
    Contrast("Lung Opacity against all others", RSNA_CLASSES),
    Contrast("Lung Opacity against all others, AP", RSNA_CLASSES, "AP"),
    Contrast("Lung Opacity against all others, PA", RSNA_CLASSES, "PA"),
)
HANNOVER_CONTRASTS = (
    Contrast("Hannover COVID-19 where 90 % of NIH's Normal are negative", at_specificity=0.90),
)


def contrast_report(readings: Readings, contrast: Contrast, threshold: float) -> Report:
    """AUROC, sensitivity and specificity; `figures` is None for fewer than two images of a class,
    and `small` is set where fewer than 20 make the figures little more than an indication."""
    targets, view = contrast.targets, contrast.view
    part = readings.where(
        lambda case: (targets is None or case.target in targets) and view in ("", case.view)
    )
    ill, probability = part.ill, part.probability
    row: Report = {
        "name": contrast.name,
        "images": len(ill),
        "ill": int(ill.sum()),
        "small": bool(min(ill.sum(), (~ill).sum()) < SMALLEST),
        "figures": None,
    }
    if min(ill.sum(), (~ill).sum()) < 2:
        return row
    row["figures"] = named_figures(part, threshold, ("auroc", "sensitivity", "specificity"))
    if contrast.at_specificity:
        cut = specificity_threshold(probability[~ill], contrast.at_specificity)
        row["at_specificity"] = {
            "specificity": contrast.at_specificity,
            "threshold": rounded(cut),
            **named_figures(part, cut, ("sensitivity",)),
        }
    return row


def specificity_threshold(healthy: NDArray[np.float64], specificity: float) -> float:
    """The lowest threshold that leaves at least this share of the healthy below it."""
    ordered = np.sort(healthy)
    kept = int(np.ceil(specificity * len(ordered)))
    if kept == len(ordered):
        return float(np.nextafter(ordered[-1], np.inf))
    return float(np.nextafter(ordered[kept - 1], np.inf))
