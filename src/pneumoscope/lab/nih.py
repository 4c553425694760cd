"""NIH ChestX-ray14's label table (Wang 2017) → our manifest.

Its labels were mined from reports' text. Where the radiologists of the RSNA challenge (Shih 2019)
read the same images they are kept for validation: neither those images nor any other of those
patients go into the manifest.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumoscope.lab.manifest import doubted_label
from pneumoscope.lab.tables import Row, plausible_age, read_table

SITE = "nih"
LABELS = ("image", "patient_id", "age", "sex", "view", "rsna_class")


@dataclass(frozen=True, slots=True)
class LabelPriors:
    """P(pneumonia) of an image before anyone looks at it, from its mined label; above 1: left out.

    Round figures for what radiologists found who read NIH's images again: about half of those
    called Pneumonia, a quarter of Consolidation or Infiltration, few of the others.
    """

    normal: float = 0.05
    pneumonia: float = 0.5
    consolidation: float = 0.25
    infiltration: float = 0.25
    other: float = 0.1


# The first that a row's labels contain decides.
_FINDINGS = (
    ("Pneumonia", "pneumonia"),
    ("Consolidation", "consolidation"),
    ("Infiltration", "infiltration"),
    ("No Finding", "normal"),
)


@dataclass(frozen=True, slots=True)
class NihImport:
    """rows: of the manifest. kept, left_out: images by what they were called or why not used."""

    rows: tuple[Row, ...]
    kept: Counter[str]
    left_out: Counter[str]


def import_nih(folder: Path, manifest: Path, priors: LabelPriors) -> NihImport:
    """Read `folder/labels.csv` (images in `folder/images`) for a manifest at `manifest`.

    Raises TableError.
    """
    source = [row for _, row in read_table(folder / "labels.csv", (*LABELS, "nih_labels"))]
    images = Path(os.path.relpath((folder / "images").resolve(), manifest.parent.resolve()))
    return _convert(source, images, priors)


def _convert(source: Sequence[Row], images: Path, priors: LabelPriors) -> NihImport:
    read_by_radiologists = {row["patient_id"] for row in source if row["rsna_class"]}
    rows = []
    kept: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for row in source:
        kind = _kind(row["nih_labels"])
        prior = getattr(priors, kind)
        if row["patient_id"] in read_by_radiologists:
            left_out["patient of the RSNA set"] += 1
        elif prior > 1:
            left_out[kind] += 1
        else:
            kept[kind] += 1
            rows.append(_row(row, images, prior))
    return NihImport(tuple(rows), kept, left_out)


def _kind(labels: str) -> str:
    found = set(labels.split("|"))
    return next((kind for finding, kind in _FINDINGS if finding in found), "other")


def _row(row: Row, images: Path, prior: float) -> Row:
    age = plausible_age(row["age"])
    return {
        "path": (images / row["image"]).as_posix(),
        "patient": row["patient_id"],
        "age": "" if age is None else f"{age:g}",
        "sex": row["sex"],
        "view": row["view"],
        "site": SITE,
        "split": "train",
        **doubted_label(prior),
    }
