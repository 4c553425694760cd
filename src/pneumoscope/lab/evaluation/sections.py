"""One set in report.html: what core.report_sections tells, and the plots of a page beside it."""

from collections.abc import Iterator
from dataclasses import replace

from pneumoscope.core.report import TITLES, Report, number, percent
from pneumoscope.core.report_sections import figures_section, further_sections
from pneumoscope.core.section import Section
from pneumoscope.lab.evaluation import plots
from pneumoscope.lab.evaluation.markup import plot, section, text

_KEY = ("auroc", "sensitivity", "specificity", "accuracy", "ece")


def set_sections(report: Report) -> Iterator[str]:
    """HTML of everything the report holds of a set, its title included."""
    told = figures_section(report)
    yield f"<h2>{text(told.title)}</h2>"
    yield _key_figures(report)
    yield section(replace(told, title=""))
    yield _plots(report)
    yield from (section(told) for told in further_sections(report))
    if found := report.get("localisation"):
        yield section(_by_confidence(found))
    if found := report.get("robustness"):
        yield _robustness_plots(found)
    if found := report.get("pictures"):
        yield _pictures(found)


def _key_figures(report: Report) -> str:
    boxes = "".join(
        f"<div><span>{TITLES[name]}</span><strong>{number(report['figures'][name][0])}</strong>"
        f"<span>{number(report['figures'][name][1])} – {number(report['figures'][name][2])}</span>"
        "</div>"
        for name in _KEY
    )
    return f'<div class="key">{boxes}</div>'


def _plots(report: Report) -> str:
    drawn = (
        plot(plots.roc(report), "ROC; the dot is the threshold in use."),
        plot(plots.precision_recall(report), "Precision–recall; the level line is chance."),
        plot(plots.distribution(report), "Probabilities given; the dashed line is the threshold."),
        plot(
            plots.calibration(report),
            "Calibration, in tenths of the images; the diagonal is right.",
        ),
        plot(
            plots.decision(report),
            "Decision curve (Vickers & Elkin 2006): above the dashed line and above zero the model "
            "helps more than treating everybody, or nobody.",
        ),
    )
    return f'<h3>Curves</h3><div class="plots">{"".join(drawn)}</div>'


def _by_confidence(found: Report) -> Section:
    rows = [
        (
            f"{number(low)} – {number(high)}",
            str(third["images"]),
            number(third["pointing"]),
            number(third["miou"]),
        )
        for third in found["by_confidence"]
        for low, high in [third["probability"]]
    ]
    head = ("probability", "images", "pointing game", "mIoU")
    return Section("Localisation by confidence", head, rows)


def _robustness_plots(found: Report) -> str:
    """All five degrees of every corruption."""
    by_name: dict[str, list[Report]] = {}
    for row in found["rows"]:
        by_name.setdefault(row["corruption"], []).append(row)
    drawn = "".join(
        f"<figure>{plots.robustness(rows, found['clean'])}</figure>" for rows in by_name.values()
    )
    return (
        '<p><span class="swatch"></span>AUROC of what was read '
        '<span class="swatch second"></span>share refused</p>'
        f'<div class="plots small">{drawn}</div>'
    )


def _pictures(report: Report) -> str:
    html = "<h3>The worst errors</h3>"
    for key, title in (("false_positive", "Called ill"), ("false_negative", "Called well")):
        figures = "".join(
            f'<figure><img src="{row["jpeg"]}" alt="Radiograph with heatmap"><figcaption>'
            f"{percent(row['probability'])} – is {text(row['target'])}<br>{text(row['name'])}"
            "</figcaption></figure>"
            for row in report[key]
        )
        html += f'<p class="quiet head">{title}, the surest first</p>'
        html += f'<div class="pictures">{figures}</div>'
    return html
