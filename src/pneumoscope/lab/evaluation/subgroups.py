"""The same figures for parts of the patients: a good mean can hide a group that is served badly."""

from collections.abc import Callable

from pneumoscope.core.report import Report
from pneumoscope.lab.data import AGE_BANDS, age_band
from pneumoscope.lab.evaluation.cases import Case
from pneumoscope.lab.evaluation.figures import named_figures
from pneumoscope.lab.evaluation.readings import Readings

SMALLEST = 20
_FIGURES = ("auroc", "sensitivity", "specificity", "accuracy")
_BY: dict[str, Callable[[Case], str]] = {
    "age": lambda case: age_band(case.age) or "unknown",
    "sex": lambda case: case.sex or "unknown",
    "view": lambda case: case.view or "unknown",
    "site": lambda case: case.site or "unknown",
}


def subgroups(readings: Readings, threshold: float) -> list[Report]:
    """One row per group of age, sex, view and site that the set tells apart.

    A group with fewer than 20 images or with one class only has `figures` None: suppressed, because
    its figures would be chance.
    """
    rows = []
    for by, key in _BY.items():
        names = sorted({key(reading.case) for reading in readings.read}, key=_order)
        if len(names) > 1:
            rows += [_row(by, name, key, readings, threshold) for name in names]
    return rows


def _order(name: str) -> tuple[int, str]:
    bands = [band for _, band in AGE_BANDS]
    return (bands.index(name) if name in bands else len(bands), name)


def _row(
    by: str, name: str, key: Callable[[Case], str], readings: Readings, threshold: float
) -> Report:
    part = readings.where(lambda case: key(case) == name)
    ill = part.ill
    row: Report = {"by": by, "group": name, "images": len(ill), "ill": int(ill.sum())}
    if len(ill) < SMALLEST or ill.all() or not ill.any():
        return {**row, "figures": None}
    return {**row, "figures": named_figures(part, threshold, _FIGURES)}
