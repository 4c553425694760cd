"""The figures that the default model is asked to reach: measured all, reached or not.

Thresholds of the targets are from the project's plan for this model (docs/measurements.md).
"""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TypeAlias

import numpy as np

from pneumoscope.core.bundle import Bundle, load_bundle
from pneumoscope.core.report import Figure, Report
from pneumoscope.lab.evaluation.gate import gate_report, pooled

# Measure, sign, what was asked for, what was found.
Target: TypeAlias = tuple[str, str, float, Figure]

_PASSES, _WARM_UP = 200, 20
# Of too few images for a figure.
_NONE: Figure = [None, None, None]
MUST_BE_REFUSED = (
    "gate/body_part_xray",
    "gate/other_medical",
    "gate/non_medical",
    "gate/unsuitable_chest",
    "lateral",
    "dicom/not_for_analysis",
)
MUST_BE_READ = ("chest_xray", "nih_adult", "hannover_covid")
HARD_BUT_VALID = "gate/hard_valid"


def target_rows(sets: Report, speed: Report | None = None) -> list[Report]:
    """One row per target of the sets measured: measure, at least or below what, found with its
    interval, reached."""
    return [
        {
            "measure": measure,
            "sign": sign,
            "target": target,
            "found": found,
            "reached": _reached(found[0], sign, target),
        }
        for measure, sign, target, found in _targets(sets, speed)
    ]


def _reached(value: float | None, sign: str, target: float) -> bool:
    if value is None:
        return False
    return value >= target if sign == "≥" else value < target if sign == "<" else value <= target


def _targets(sets: Report, speed: Report | None) -> Iterator[Target]:
    if test := sets.get("kermany_test"):
        yield from _test_targets(test)
    yield from _adult_targets(sets["nih_rsna"], sets["hannover"])
    if gate := sets.get("gate"):
        yield from _gate_targets(gate)
    if speed:
        yield "forward pass with map, one thread, ms", "<", 5.0, speed["milliseconds"]


def _test_targets(test: Report) -> Iterator[Target]:
    balanced = {row["name"]: row for row in test["operating_points"]}["balanced"]
    yield "official Kermany test: accuracy", "≥", 0.970, test["figures"]["accuracy"]
    yield "official Kermany test: AUROC", "≥", 0.993, test["figures"]["auroc"]
    yield "sensitivity at the balanced point", "≥", 0.975, balanced["sensitivity"]
    yield "specificity at the balanced point", "≥", 0.950, balanced["specificity"]
    yield "bacterial against viral AUROC (test)", "≥", 0.975, test["aetiology"]["figures"]["auroc"]
    yield "ECE (test)", "<", 0.03, test["figures"]["ece"]
    yield "Brier score (test)", "<", 0.03, test["figures"]["brier"]


def _adult_targets(nih: Report, hannover: Report) -> Iterator[Target]:
    contrasts = {row["name"]: row["figures"] or {"auroc": _NONE} for row in nih["contrasts"]}
    against = "Lung Opacity against"
    yield f"NIH adults: {against} Normal, AUROC", "≥", 0.94, nih["figures"]["auroc"]
    for view in ("AP", "PA"):
        found = contrasts[f"{against} Normal, {view}"]["auroc"]
        yield f"the same within {view}", "≥", 0.90, found
    found = contrasts[f"{against} all others"]["auroc"]
    yield f"NIH adults: {against} all others, AUROC", "≥", 0.84, found
    (contrast,) = hannover["contrasts"]
    found = contrast.get("at_specificity", {"sensitivity": _NONE})["sensitivity"]
    yield "Hannover sensitivity where 90 % of NIH Normal are negative", "≥", 0.85, found
    place = nih.get("localisation") or {"pointing": _NONE, "miou": _NONE}
    yield "pointing game, true positives with a box", "≥", 0.75, place["pointing"]
    yield "mIoU of regions and boxes", "≥", 0.30, place["miou"]


def _gate_targets(gate: Report) -> Iterator[Target]:
    hard = next(part for part in gate["parts"] if part["folder"] == HARD_BUT_VALID)
    frontal = pooled([p for p in gate["parts"] if p["must_be"] == "read" and p is not hard])
    others = gate["refused"]["share_refused"]
    yield "refused of what is no frontal chest radiograph", "≥", 0.98, others
    yield "refused of real frontal radiographs", "<", 0.02, frontal["share_refused"]
    yield "refused of hard but valid ones (gate/hard_valid)", "≤", 0.15, hard["share_refused"]


def targets_gate(bundle: Bundle, data: Path) -> Report:
    """The gate over every folder of `data`."""
    return gate_report(
        bundle,
        refuse=[data / folder for folder in MUST_BE_REFUSED],
        read=[data / folder for folder in (*MUST_BE_READ, HARD_BUT_VALID)],
    )


def forward_pass(folder: Path) -> Report:
    """Median milliseconds of one forward pass with every output, one thread, with the 5th and the
    95th percentile; an onnxruntime session of its own."""
    bundle = load_bundle(folder, threads=1)
    size = bundle.card.input.size
    pixels = np.random.default_rng(0).random((size, size), dtype=np.float32)
    times = []
    for number in range(_WARM_UP + _PASSES):
        started = time.perf_counter()
        bundle.infer(pixels)
        if number >= _WARM_UP:
            times.append(1000 * (time.perf_counter() - started))
    low, high = np.percentile(times, [5, 95]).tolist()
    return {"milliseconds": [round(value, 2) for value in (median(times), low, high)]}
