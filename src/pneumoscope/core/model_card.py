"""The model card in words, generated from the bundle so that no figure is typed by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pneumoscope.core.card import Card, read_card
from pneumoscope.core.report import Report, number, percent, read_report
from pneumoscope.core.report_sections import report_lines
from pneumoscope.core.section import table

_UNSTATED = "Not stated."


def model_card(folder: Path) -> str:
    """Markdown: intended use, population, data, figures with intervals, limits, licences. What a
    card of another making does not state is called so."""
    card, content_hash = read_card(folder)
    lines = [*_lines(card, content_hash), *_measured(read_report(folder)), *_closing(card)]
    return "\n".join(line.rstrip(" ") for line in lines)


def _lines(card: Card, content_hash: str) -> Iterator[str]:
    low, high = card.population.age
    yield f"# {card.title}\n"
    yield f"`{card.name}` version {card.version}, {card.created}, bundle hash `{content_hash}`.\n"
    yield "**Research use only – not a medical device.**\n"
    yield f"{card.description}\n"
    yield f"## Intended use\n\n{card.raw.get('intended_use', _UNSTATED)}\n"
    yield f"## Population\n\n{card.population.description}. Ages {low:g} to {high:g} years; views"
    yield f"{', '.join(card.population.views)}. Other patients and views are read with a warning.\n"
    yield "## Training data\n"
    yield from _data(card.data)
    yield from _meaning(card)


def _data(data: dict[str, Any]) -> Iterator[str]:
    yield f"- {data.get('source', _UNSTATED)}"
    if {"images", "patients", "validation_images"} <= data.keys():
        yield f"- {data['images']:,} radiographs of {data['patients']:,} patients, of which"
        yield f"  {data['validation_images']:,} were held out by patient for validation"
    if "fingerprint" in data:
        yield f"- fingerprint `{data['fingerprint']}`"
    if data.get("gate_sources"):
        yield f"- input gate fitted on these and on: {', '.join(data['gate_sources'])}"


def _meaning(card: Card) -> Iterator[str]:
    yield "\n## What the numbers mean\n"
    yield f"- Classes: {', '.join(card.classes)}. P(pneumonia) is 1 − P(normal)."
    prior = card.raw["calibration"].get("prior", "prior not stated")
    yield f"- Calibration: temperature {card.temperature:.3f}; {prior}."
    yield f"- Positive from {card.threshold:.4f} upwards (“{card.operating_point}”), derived on the"
    yield "  validation fold and augmented copies of it."
    band = card.uncertain
    yield f"- From {band.low:.3f} to {band.high:.3f} a result is uncertain and a second reader is"
    yield f"  advised: outside, at least {percent(1 - band.alpha, 0)} of either class keep their"
    yield "  label (split conformal prediction on the validation fold)."
    for name, value in card.metrics.items():
        yield (
            f"- {name.replace('_', ' ')}: {value:g}"
            if value >= 1 and value == int(value)
            else (f"- {name.replace('_', ' ')}: {number(value, 4)}")
        )
    yield ""
    rows = [
        (p.name, f"{p.threshold:.4f}", number(p.sensitivity), number(p.specificity))
        for p in card.operating_points.values()
    ]
    yield from table(("operating point", "from", "sensitivity in validation", "specificity"), rows)


def _measured(report: Report | None) -> Iterator[str]:
    if report is None:
        yield "## Figures\n\nNot measured yet: `pneumoscope evaluate`.\n"
        return
    yield f"## Figures\n\nMeasured on {report['date']}; intervals by bootstrap over patients.\n"
    yield from report_lines(report, heading="###")


def _closing(card: Card) -> Iterator[str]:
    yield "## Limits\n"
    yield from (f"- {limit}" for limit in card.raw.get("limits", [_UNSTATED]))
    yield f"\n## Licence\n\n{card.licence}.\n"
