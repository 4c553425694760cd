"""Where a bundle calls pneumonia, and where it says that it is not sure."""

from dataclasses import dataclass
from typing import Any

OPERATING_POINTS = ("screening", "balanced", "rule_in")


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold on P(pneumonia) with what it gave on the data it was derived from.

    screening: sensitivity of at least 0.98. balanced: among those whose sensitivity and specificity
    together are as good as the best, the middle one. rule_in: specificity of at least 0.98.
    Thresholds never fall in this order.
    """

    name: str
    threshold: float
    sensitivity: float
    specificity: float


@dataclass(frozen=True, slots=True)
class UncertainBand:
    """P(pneumonia) from `low` to `high`, both included, is uncertain: a second reader is advised.

    Outside it a result has one label, and at least 1 − alpha of the radiographs of either class
    keep theirs (split conformal prediction, class-conditional: Vovk 2012, doi
    10.48550/arXiv.1209.2673). All operating points lie inside, so a result outside the band is the
    same at each of them.
    coverage: share whose label was kept, on patients the band was not fitted on, by class.
    flagged: share that was called uncertain there, by class.
    """

    low: float
    high: float
    alpha: float
    coverage: dict[str, float]
    flagged: dict[str, float]

    def __contains__(self, probability: float) -> bool:
        return self.low <= probability <= self.high


def parse_operating_points(raw: list[dict[str, Any]]) -> dict[str, OperatingPoint]:
    """By name, in the order of `OPERATING_POINTS`. Raises ValueError unless all are there, their
    thresholds 0..1 and rising."""
    points = {
        str(point["name"]): OperatingPoint(
            str(point["name"]),
            *(float(point[key]) for key in ("threshold", "sensitivity", "specificity")),
        )
        for point in raw
    }
    if tuple(points) != OPERATING_POINTS:
        raise ValueError(f"operating points are {', '.join(points)}")
    screening, balanced, rule_in = (point.threshold for point in points.values())
    if not 0 <= screening <= balanced <= rule_in <= 1:
        raise ValueError(f"thresholds are {screening}, {balanced}, {rule_in}")
    return points


def parse_band(raw: dict[str, Any]) -> UncertainBand:
    """Raises ValueError when the band is none."""
    low, high, alpha = (float(raw[key]) for key in ("low", "high", "alpha"))
    if not 0 <= low <= high <= 1:
        raise ValueError(f"the uncertain band runs from {low} to {high}")
    return UncertainBand(low, high, alpha, dict(raw["coverage"]), dict(raw["flagged"]))
