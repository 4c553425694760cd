"""The model card in words, generated from the bundle so that no figure is typed by hand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pneumoscope.core.bundle import Card, read_card

FIGURES = {
    "auroc": "AUROC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity (recall)",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
    "brier": "Brier score",
    "ece": "Expected calibration error",
}


def read_report(folder: Path) -> dict[str, Any] | None:
    """The bundle's `report.json`, or None when there is none or it speaks of another bundle."""
    path = folder / "report.json"
    if not path.is_file():
        return None
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    _, content_hash = read_card(folder)
    return report if report["model"]["hash"] == content_hash else None


def model_card(folder: Path) -> str:
    """Markdown: intended use, population, data, figures with intervals, limits, licence."""
    card, content_hash = read_card(folder)
    lines = _lines(card, content_hash, read_report(folder))
    return "\n".join(line.rstrip(" ") for line in lines)


def _lines(card: Card, content_hash: str, report: dict[str, Any] | None) -> Iterator[str]:
    raw = card.raw
    low, high = card.population.age
    yield f"# {card.title}\n"
    yield f"`{card.name}` version {card.version}, {card.created}, bundle hash `{content_hash}`.\n"
    yield "**Research use only – not a medical device.**\n"
    yield f"{card.description}\n"
    yield f"## Intended use\n\n{raw['intended_use']}\n"
    yield f"## Population\n\n{card.population.description}. Ages {low:g} to {high:g} years; views "
    yield f"{', '.join(card.population.views)}. Other patients and views are read with a warning.\n"
    yield "## Training data\n"
    yield f"- {card.data['source']}"
    yield f"- {card.data['images']:,} radiographs of {card.data['patients']:,} patients, of which "
    yield f"  {card.data['validation_images']:,} were held out by patient for validation"
    yield f"- fingerprint `{card.data['fingerprint']}`"
    if card.data["gate_sources"]:
        yield f"- input gate fitted on these and on: {', '.join(card.data['gate_sources'])}"
    yield "\n## What the figures mean\n"
    yield f"- Classes: {', '.join(card.classes)}. P(pneumonia) is 1 − P(normal)."
    yield f"- Calibration: temperature {card.temperature:.3f}; {raw['calibration']['prior']}."
    yield f"- Operating point “{card.operating_point}”: positive from {card.threshold:.4f} upwards,"
    yield "  derived on the validation fold and augmented copies of it."
    yield f"- Validation fold: AUROC {card.metrics['validation_auroc']:.4f};"
    yield f"  bacterial against viral {card.metrics['validation_auroc_bacterial_viral']:.4f}.\n"
    if report:
        yield from figure_lines(report)
    yield "## Limits\n"
    yield from (f"- {limit}" for limit in raw["limits"])
    yield f"\n## Licence\n\n{card.licence}.\n"


def figure_lines(report: dict[str, Any], heading: str = "##") -> Iterator[str]:
    """The table of a report, as it stands in the model card and in the README."""
    counts = report["confusion"]
    baselines = report["baselines"]
    yield f"{heading} Official Kermany test split\n"
    yield f"{report['images']} radiographs of {report['patients']} patients, measured on "
    yield f"{report['date']} at the shipped threshold {report['threshold']:.4f}; "
    yield f"{len(report['rejected'])} were refused by the input gate and are not in the figures.\n"
    yield "| figure | value | 95 % interval (bootstrap over patients) |\n|---|---|---|"
    for name, title in FIGURES.items():
        value, low, high = report["pneumonia"][name]
        yield f"| {title} | {value:.3f} | {low:.3f} – {high:.3f} |"
    value, low, high = report["bacterial_against_viral"]["auroc"]
    yield f"| AUROC bacterial against viral | {value:.3f} | {low:.3f} – {high:.3f} |\n"
    yield f"Confusion: {counts['true_positive']} true positive, {counts['false_negative']} false "
    yield f"negative, {counts['true_negative']} true negative, {counts['false_positive']} false "
    yield "positive.\n"
    yield "Without looking at the image: file size alone reaches AUROC "
    yield f"{baselines['auroc_of_file_size']:.3f}, calling everything pneumonia accuracy "
    yield f"{baselines['accuracy_of_always_pneumonia']:.3f}.\n"
