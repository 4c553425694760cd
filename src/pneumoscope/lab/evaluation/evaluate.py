"""One set, one bundle → one report."""

import hashlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pneumoscope.core.bundle import Bundle, load_bundle
from pneumoscope.core.report import Report
from pneumoscope.core.types import Box
from pneumoscope.lab.data import file_hash
from pneumoscope.lab.evaluation.baselines import baselines
from pneumoscope.lab.evaluation.cases import Case, NoCases
from pneumoscope.lab.evaluation.compare import compare
from pneumoscope.lab.evaluation.contrasts import Contrast, contrast_report
from pneumoscope.lab.evaluation.figures import curves, figures, operating_points
from pneumoscope.lab.evaluation.localisation import localisation
from pneumoscope.lab.evaluation.masks import shortcut_masks
from pneumoscope.lab.evaluation.pictures import worst_errors
from pneumoscope.lab.evaluation.readings import Readings, read_all
from pneumoscope.lab.evaluation.robustness import robustness
from pneumoscope.lab.evaluation.subgroups import subgroups
from pneumoscope.lab.whole_files import write_whole

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure on.

    title, note: for people; the note is what must be known before the figures are read.
    cases: all; `primary` says which of them the main figures are of.
    boxes: by file name. contrasts: further questions to the same readings.
    is_test: a test split, of which every look goes into the ledger.
    """

    name: str
    title: str
    cases: Sequence[Case]
    note: str = ""
    primary: frozenset[str] | None = None
    boxes: Mapping[str, Sequence[Box]] | None = None
    contrasts: Sequence[Contrast] = ()
    is_test: bool = False

    def of_primary(self, readings: Readings) -> Readings:
        if self.primary is None:
            return readings
        chosen = self.primary
        return readings.where(lambda case: case.target in chosen)


@dataclass(frozen=True, slots=True)
class Extras:
    """What takes longer. robustness: images to corrupt, 0 for none."""

    robustness: int = 0
    masks: bool = False
    pictures: bool = False


def evaluate(
    bundle: Bundle, plan: Plan, extras: Extras, *, against: Bundle | None = None
) -> Report:
    """Everything about one set. Raises NoCases when a class is missing among the readings."""
    card = bundle.card
    logger.info("%s: %d radiographs", plan.name, len(plan.cases))
    everything = read_all(bundle, plan.cases)
    readings = plan.of_primary(everything)
    ill = readings.ill
    if ill.all() or not ill.any():
        raise NoCases(
            f"{plan.title}: the figures need radiographs with and without pneumonia; "
            f"{int(ill.sum())} with and {int((~ill).sum())} without were read, "
            f"{len(readings.refused)} could not be or were refused."
        )
    report: Report = {
        "title": plan.title,
        "note": plan.note,
        "fingerprint": _fingerprint(plan.cases),
        "refused": _refused(readings),
        **figures(readings, card.threshold),
        "operating_points": operating_points(readings, card),
        "curves": curves(readings),
        "baselines": baselines(readings),
        "subgroups": subgroups(readings, card.threshold),
        "contrasts": [contrast_report(everything, c, card.threshold) for c in plan.contrasts],
    }
    if plan.boxes:
        report["localisation"] = localisation(
            everything, plan.boxes, threshold=card.threshold, level=card.region_level
        )
    if against:
        others = plan.of_primary(read_all(against, plan.cases))
        report["against"] = compare(bundle, against, readings, others)
    primary = [reading.case for reading in readings.read]
    if extras.robustness:
        report["robustness"] = robustness(bundle, primary, images=extras.robustness)
    if extras.masks:
        report["masks"] = shortcut_masks(bundle, primary)
    if extras.pictures:
        report["pictures"] = worst_errors(bundle, readings)
    return report


def heading(bundle: Bundle) -> Report:
    """What every report begins with."""
    return {
        "model": {"name": bundle.name, "version": bundle.version, "hash": bundle.hash},
        "date": datetime.now(UTC).date().isoformat(),
    }


def load(folder: Path) -> Bundle:
    return load_bundle(folder, threads=2)


def write_json(report: Report, path: Path) -> None:
    """Without the pictures, which belong to the page."""
    sets = {
        name: {key: value for key, value in part.items() if key != "pictures"}
        for name, part in report["sets"].items()
    }
    content = json.dumps(report | {"sets": sets}, indent=1, ensure_ascii=False, allow_nan=False)
    # Numbers that belong together on one line.
    content = re.sub(r"\[([^\[\]{}\"]*)\]", lambda m: f"[{' '.join(m[1].split())}]", content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, f"{content}\n".encode())


def _refused(readings: Readings) -> list[Report]:
    return [{"name": r.case.path.name, "code": r.code} for r in readings.refused]


def _fingerprint(cases: Sequence[Case]) -> str:
    """SHA-256 over every file's hash, truth and patient."""
    digest = hashlib.sha256()
    for case in cases:
        if case.path.is_file():
            digest.update(f"{file_hash(case.path)} {case.target} {case.patient}\n".encode())
    return digest.hexdigest()
