"""How the figures fall as radiographs get worse, and which worse ones are refused instead."""

import logging
from collections.abc import Sequence

import numpy as np

from pneumoscope.core.bundle import Bundle
from pneumoscope.core.metrics import confusion, value_of, weighted_auroc
from pneumoscope.core.report import Report
from pneumoscope.lab.evaluation.cases import Case
from pneumoscope.lab.evaluation.corruptions import CORRUPTIONS, clean, corruption
from pneumoscope.lab.evaluation.readings import Readings, read_all
from pneumoscope.lab.evaluation.rounding import rounded

logger = logging.getLogger(__name__)


def robustness(bundle: Bundle, cases: Sequence[Case], *, images: int, seed: int = 0) -> Report:
    """Every corruption in five degrees, on a seeded draw of at most `images` cases, half of them
    ill where there are enough. AUROC, sensitivity and specificity are of what was not refused."""
    drawn = _draw(cases, images, seed)
    threshold = bundle.card.threshold
    rows = []
    for name, (_, strengths) in CORRUPTIONS.items():
        logger.info("robustness: %s", name)
        for degree, strength in enumerate(strengths, start=1):
            readings = read_all(bundle, drawn, corruption(name, strength))
            row = {"corruption": name, "degree": degree, "strength": strength}
            rows.append(row | _row(readings, threshold))
    return {
        "images": len(drawn),
        "clean": _row(read_all(bundle, drawn, clean), threshold),
        "rows": rows,
    }


def _draw(cases: Sequence[Case], images: int, seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    drawn: list[Case] = []
    for ill in (True, False):
        members = [case for case in cases if case.ill == ill]
        chosen = rng.permutation(len(members))[: images // 2]
        drawn += [members[index] for index in sorted(chosen.tolist())]
    return drawn


def _row(readings: Readings, threshold: float) -> Report:
    ill, probability = readings.ill, readings.probability
    total = len(readings.read) + len(readings.refused)
    counts = confusion(ill, probability >= threshold)
    return {
        "refused": rounded(len(readings.refused) / total),
        "auroc": rounded(value_of(weighted_auroc, ill, probability)) if len(ill) else None,
        "sensitivity": rounded(float(counts.sensitivity[0])),
        "specificity": rounded(float(counts.specificity[0])),
    }
