"""`pneumoscope evaluate`: figures of a bundle on the official test split, as serving gives them.

Every radiograph goes through `core.pipeline.analyze`, from its bytes. Each look at the test split
is written to a ledger, because a split looked at often is no longer a test.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pneumoscope.core.bundle import Bundle, load_bundle
from pneumoscope.core.metrics import (
    BoolArray,
    ScoreArray,
    Statistic,
    auroc,
    bootstrap_interval,
    brier,
    confusion,
    expected_calibration_error,
)
from pneumoscope.core.pipeline import analyze
from pneumoscope.lab.data import CLASSES, Example, fingerprint
from pneumoscope.lab.sources import read_examples

DIGITS = 4


@dataclass(frozen=True, slots=True)
class TestResult:
    """What the bundle said of the test split. Arrays hold one entry per read radiograph."""

    labels: NDArray[np.int64]
    probability: NDArray[np.float64]
    bacterial: NDArray[np.float64]
    viral: NDArray[np.float64]
    patients: NDArray[np.str_]
    bytes: NDArray[np.int64]
    rejected: tuple[str, ...]


def evaluate(model: Path, data: Path, out: Path, *, ledger: Path | None = None) -> dict[str, Any]:
    """Analyse the test folder of `data` and write `out/report.json`.

    ledger: a CSV to which one line is added. Returns the report. A rejected radiograph counts as
    rejected and is left out of the figures; the report says how many there were.
    """
    bundle = load_bundle(model, threads=2)
    examples = [example for example in read_examples(data) if example.split == "test"]
    report = {
        "model": {"name": bundle.name, "version": bundle.version, "hash": bundle.hash},
        "date": datetime.now(UTC).date().isoformat(),
        "data": {"split": "official Kermany test", "fingerprint": fingerprint(examples)},
        **figures(run(bundle, examples), bundle.card.threshold),
    }
    out.mkdir(parents=True, exist_ok=True)
    content = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    (out / "report.json").write_text(content, encoding="utf-8")
    if ledger is not None:
        write_ledger(ledger, report)
    return report


def run(bundle: Bundle, examples: Sequence[Example]) -> TestResult:
    """Analyse every example; raises DecodeError if one cannot be read at all."""
    rows = []
    rejected = []
    for example in examples:
        content = example.path.read_bytes()
        prediction = analyze(content, bundle).prediction
        if prediction is None or prediction.aetiology is None:
            rejected.append(example.path.name)
            continue
        aetiology = prediction.aetiology
        rows.append(
            (
                example.label,
                prediction.probability,
                aetiology.bacterial,
                aetiology.viral,
                example.patient,
                len(content),
            )
        )
    columns = list(zip(*rows, strict=True))
    return TestResult(
        labels=np.array(columns[0], dtype=np.int64),
        probability=np.array(columns[1]),
        bacterial=np.array(columns[2]),
        viral=np.array(columns[3]),
        patients=np.array(columns[4]),
        bytes=np.array(columns[5], dtype=np.int64),
        rejected=tuple(rejected),
    )


def figures(result: TestResult, threshold: float) -> dict[str, Any]:
    """Every figure as [value, low, high]: 95 % intervals by bootstrap over patients."""
    sick = result.labels > 0
    at_threshold = _at(threshold)
    pneumonia: dict[str, Statistic] = {
        "auroc": auroc,
        "accuracy": at_threshold(lambda c: c.accuracy),
        "sensitivity": at_threshold(lambda c: c.sensitivity),
        "specificity": at_threshold(lambda c: c.specificity),
        "precision": at_threshold(lambda c: c.precision),
        "f1": at_threshold(lambda c: c.f1),
        "brier": brier,
        "ece": expected_calibration_error,
    }
    counts = confusion(sick, result.probability >= threshold)
    aetiology = np.log(result.bacterial[sick]) - np.log(result.viral[sick])
    bacterial = result.labels[sick] == CLASSES.index("bacterial")
    return {
        "images": len(sick) + len(result.rejected),
        "patients": len(np.unique(result.patients)),
        "rejected": list(result.rejected),
        "threshold": threshold,
        "confusion": {
            "true_positive": counts.true_positive,
            "false_positive": counts.false_positive,
            "true_negative": counts.true_negative,
            "false_negative": counts.false_negative,
        },
        "pneumonia": {
            name: _with_interval(statistic, sick, result.probability, result.patients)
            for name, statistic in pneumonia.items()
        },
        "bacterial_against_viral": {
            "auroc": _with_interval(auroc, bacterial, aetiology, result.patients[sick])
        },
        # What a model that never looks at the image would reach.
        "baselines": {
            "auroc_of_file_size": round(auroc(sick, -result.bytes.astype(np.float64)), DIGITS),
            "accuracy_of_always_pneumonia": round(float(sick.mean()), DIGITS),
        },
    }


def _at(threshold: float) -> Callable[[Callable[[Any], float]], Statistic]:
    def of_counts(value: Callable[[Any], float]) -> Statistic:
        return lambda labels, scores: value(confusion(labels, scores >= threshold))

    return of_counts


def _with_interval(
    statistic: Statistic, labels: BoolArray, scores: ScoreArray, patients: NDArray[np.str_]
) -> list[float]:
    low, high = bootstrap_interval(statistic, labels, scores, patients)
    return [round(value, DIGITS) for value in (statistic(labels, scores), low, high)]


def write_ledger(ledger: Path, report: dict[str, Any]) -> None:
    """Add one line: date, bundle, the figures seen."""
    new = not ledger.is_file()
    pneumonia = report["pneumonia"]
    row = {
        "date": report["date"],
        "model": f"{report['model']['name']} {report['model']['version']}",
        "hash": report["model"]["hash"],
        "threshold": round(report["threshold"], DIGITS),
        **{
            name: pneumonia[name][0] for name in ("auroc", "accuracy", "sensitivity", "specificity")
        },
        "bacterial_viral_auroc": report["bacterial_against_viral"]["auroc"][0],
    }
    with ledger.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
