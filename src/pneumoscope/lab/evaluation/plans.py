"""The sets that `pneumoscope evaluate --set` knows, each as a plan."""

from collections.abc import Sequence
from pathlib import Path

from pneumoscope.core.card import Card
from pneumoscope.lab.evaluation.cases import (
    NORMAL,
    OPACITY,
    hannover_cases,
    labelled_cases,
    nih_cases,
    read_boxes,
)
from pneumoscope.lab.evaluation.contrasts import HANNOVER_CONTRASTS, NIH_CONTRASTS
from pneumoscope.lab.evaluation.evaluate import Plan


def labelled_plan(
    name: str, roots: Sequence[Path], split: str, card: Card, boxes: Path | None = None
) -> Plan:
    """A Kermany folder (name: kermany) or any manifest."""
    cases = labelled_cases(roots, split, card)
    place = "Kermany" if name == "kermany" else " + ".join(root.name for root in roots)
    titles = {
        "test": f"Official {place} test split" if name == "kermany" else f"{place}, test split",
        "validation": f"Validation fold of {place}",
        "all": place,
    }
    notes = {"validation": "Held out by patient, but it gave the threshold and the calibration."}
    return Plan(
        f"{name}_{split}",
        titles.get(split, f"{place}, {split} split"),
        cases,
        notes.get(split, ""),
        boxes=read_boxes(boxes) if boxes else None,
        is_test=any(case.split == "test" for case in cases),
    )


def nih_plan(root: Path, boxes: Path | None = None) -> Plan:
    table = boxes or root / "boxes.csv"
    marked = read_boxes(table) if table.is_file() else {}
    return Plan(
        "nih_rsna",
        "NIH adults read by radiologists (RSNA): Lung Opacity against Normal",
        nih_cases(root, marked),
        primary=frozenset({OPACITY, NORMAL}),
        boxes=marked,
        contrasts=NIH_CONTRASTS,
    )


def hannover_plan(root: Path, normals: Path) -> Plan:
    return Plan(
        "hannover",
        "Hannover adults with COVID-19 against NIH's Normal",
        hannover_cases(root, normals),
        "Two hospitals: what tells them apart need not be disease. Only the sensitivity says "
        "something of the model.",
        contrasts=HANNOVER_CONTRASTS,
    )
