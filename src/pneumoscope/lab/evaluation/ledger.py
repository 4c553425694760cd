"""The ledger of looks: a test split that is looked at often is no longer a test."""

import csv
from pathlib import Path

from pneumoscope.core.bundle import Bundle
from pneumoscope.core.report import Report
from pneumoscope.lab.evaluation.rounding import DIGITS

_COLUMNS = (
    "date",
    "model",
    "hash",
    "threshold",
    "auroc",
    "accuracy",
    "sensitivity",
    "specificity",
    "bacterial_viral_auroc",
)


def write_ledger(ledger: Path, bundle: Bundle, date: str, report: Report) -> None:
    """Add one line: date, bundle, the figures seen. Written before anything is shown.

    report: one set's.
    """
    new = not ledger.is_file()
    figures = report["figures"]
    aetiology = report["aetiology"]
    row = {
        "date": date,
        "model": f"{bundle.name} {bundle.version}",
        "hash": bundle.hash,
        "threshold": round(bundle.card.threshold, DIGITS),
        **{name: figures[name][0] for name in ("auroc", "accuracy", "sensitivity", "specificity")},
        "bacterial_viral_auroc": aetiology["figures"]["auroc"][0] if aetiology else "",
    }
    with ledger.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=_COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow(row)
