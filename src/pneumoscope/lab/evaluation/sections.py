"""The sections of one set in report.html, in reading order."""

from collections.abc import Iterator

from pneumoscope.core.report import TITLES, Report, number, percent
from pneumoscope.lab.evaluation import plots
from pneumoscope.lab.evaluation.markup import plot, table, text, with_interval

_KEY = ("auroc", "sensitivity", "specificity", "accuracy", "ece")


def set_sections(report: Report) -> Iterator[str]:
    """HTML of everything the report holds of a set."""
    yield _summary(report)
    yield _figures(report)
    yield _plots(report)
    yield _operating_points(report)
    if report["contrasts"]:
        yield _contrasts(report)
    if report["subgroups"]:
        yield _subgroups(report)
    for key, section in _OPTIONAL.items():
        if report.get(key):
            yield section(report[key])


def _summary(report: Report) -> str:
    boxes = "".join(
        f"<div><span>{TITLES[name]}</span><strong>{number(report['figures'][name][0])}</strong>"
        f"<span>{number(report['figures'][name][1])} – {number(report['figures'][name][2])}</span>"
        "</div>"
        for name in _KEY
    )
    refused = len(report["refused"])
    return (
        f"<p>{report['images']:,} radiographs of {report['patients']:,} patients, "
        f"{report['ill']:,} ill; {refused} more were refused and are in no figure. Positive from "
        f"{report['threshold']:.4f} upwards. Intervals: 95 %, bootstrap over patients.</p>"
        f'<div class="key">{boxes}</div>'
    )


def _figures(report: Report) -> str:
    trivial = report["baselines"]
    rows = [
        [
            TITLES[name],
            with_interval(figure),
            *(number(baseline["figures"].get(name)) for baseline in trivial),
        ]
        for name, figure in report["figures"].items()
    ]
    head = ["", "model", *(text(baseline["name"]) for baseline in trivial)]
    caption = (
        "Beside the model: what is reached without looking at the lungs. Direction and threshold "
        "of those columns are the best possible on this very set."
    )
    return "<h3>Figures</h3>" + table(head, rows, caption) + _confusion(report)


def _confusion(report: Report) -> str:
    counts = report["confusion"]
    rows = [
        ["ill", str(counts["true_positive"]), str(counts["false_negative"])],
        ["well", str(counts["false_positive"]), str(counts["true_negative"])],
    ]
    html = "<h3>Confusion</h3>" + table(["", "called ill", "called well"], rows, css="matrix")
    if aetiology := report["aetiology"]:
        figures = aetiology["figures"]
        html += (
            f"<p>Bacterial against viral, {aetiology['images']} ill of known cause: AUROC "
            f"{with_interval(figures['auroc'])}, accuracy {with_interval(figures['accuracy'])}.</p>"
        )
    if uncertain := report["uncertain"]:
        html += (
            f"<p>Called uncertain: {percent(uncertain['share'])}. Of the others "
            f"{percent(uncertain['accuracy_of_the_others'])} are right; the conformal set holds "
            f"the truth for {percent(uncertain['coverage'])} "
            f"(ill {percent(uncertain['coverage_ill'])}, "
            f"well {percent(uncertain['coverage_well'])}).</p>"
        )
    return html


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


def _operating_points(report: Report) -> str:
    points = report["operating_points"]
    rows = [
        [
            f"{text(point['name'])} <small>from {point['threshold']:.4f}</small>",
            *(
                with_interval(point[name])
                for name in ("sensitivity", "specificity", "precision", "npv")
            ),
        ]
        for point in points
    ]
    head = ["", "sensitivity", "specificity", "PPV here", "NPV here"]
    html = "<h3>Operating points</h3>" + table(head, rows)
    prevalences = [row[0] for row in points[0]["at_prevalence"]]
    rows = [
        [
            text(p["name"]),
            *(f"{percent(ppv)} / {percent(npv)}" for _, ppv, npv in p["at_prevalence"]),
        ]
        for p in points
    ]
    caption = "PPV / NPV where pneumonia is as frequent as the column says"
    return html + table(["", *(percent(p) for p in prevalences)], rows, caption)


def _contrasts(report: Report) -> str:
    rows = []
    for row in report["contrasts"]:
        figures = row["figures"]
        cells = [
            with_interval(figures[k]) if figures else "–"
            for k in ("auroc", "sensitivity", "specificity")
        ]
        small = " <small>few images: an indication</small>" if row["small"] else ""
        rows.append([text(row["name"]) + small, f"{row['ill']} / {row['images']}", *cells])
        if at := row.get("at_specificity"):
            name = f"specificity {at['specificity']:.2f}, from {number(at['threshold'], 4)}"
            rows.append([name, "", "", with_interval(at["sensitivity"]), number(at["specificity"])])
    head = ["", "ill / images", "AUROC", "sensitivity", "specificity"]
    return "<h3>Asked otherwise</h3>" + table(head, rows)


def _subgroups(report: Report) -> str:
    rows = []
    names = ("auroc", "sensitivity", "specificity", "accuracy")
    for row in report["subgroups"]:
        title = f"{row['by']}: {text(row['group'])}"
        figures = row["figures"]
        cells = [with_interval(figures[n]) for n in names] if figures else ["suppressed"] + [""] * 3
        rows.append([title, f"{row['ill']} / {row['images']}", *cells])
    head = ["", "ill / images", *(TITLES[name] for name in names)]
    caption = "Groups under 20 images or with one class only are suppressed."
    return "<h3>Subgroups</h3>" + table(head, rows, caption)


def _localisation(report: Report) -> str:
    chosen = report["miou_at_chosen_level"]
    levels = " and ".join(f"{level:.2f}" for level in chosen["levels"])
    rows = [
        ["Pointing game: brightest point in a box", with_interval(report["pointing"])],
        ["the same within 15 pixels of one", with_interval(report["pointing_within_15_px"])],
        ["a point thrown at random", number(report["pointing_by_chance"])],
        [f"mIoU at the shipped level {report['level']:.2f}", with_interval(report["miou"])],
        [f"mIoU at the level best on the other half ({levels})", with_interval(chosen["miou"])],
    ]
    caption = f"{report['true_positives']} true positives of {report['boxed_images']} boxed images"
    html = "<h3>Localisation</h3>" + table(["", ""], rows, caption)
    rows = [
        [
            f"{number(low)} – {number(high)}",
            str(third["images"]),
            number(third["pointing"]),
            number(third["miou"]),
        ]
        for third in report["by_confidence"]
        for low, high in [third["probability"]]
    ]
    return html + table(["probability", "images", "pointing", "mIoU"], rows, "By confidence")


def _robustness(report: Report) -> str:
    by_name: dict[str, list[Report]] = {}
    for row in report["rows"]:
        by_name.setdefault(row["corruption"], []).append(row)
    drawn = "".join(
        f"<figure>{plots.robustness(rows, report['clean'])}</figure>" for rows in by_name.values()
    )
    rows = [
        [
            f"{text(row['corruption'])} {row['strength']:g}",
            number(row["auroc"]),
            number(row["sensitivity"]),
            number(row["specificity"]),
            percent(row["refused"]),
        ]
        for row in ({"corruption": "none", "strength": 0} | report["clean"], *report["rows"])
    ]
    head = ["", "AUROC", "sensitivity", "specificity", "refused"]
    return (
        f"<h3>Robustness</h3><p>{report['images']} radiographs, corrupted in five degrees. "
        '<span class="swatch"></span>AUROC of what was read '
        '<span class="swatch second"></span>share refused</p>'
        f'<div class="plots small">{drawn}</div>'
        f"<details><summary>All numbers</summary>{table(head, rows)}</details>"
    )


def _masks(report: Report) -> str:
    rows = [
        [
            f"{text(row['mask'])}, {percent(row['share'])} of the side",
            number(row["auroc"]),
            percent(row["changed_decisions"]),
        ]
        for row in report["rows"]
    ]
    caption = (
        f"AUROC with nothing masked {number(report['auroc'])}. With border or corners masked it "
        "should stay; with the border alone it should be near 0.5."
    )
    return "<h3>Shortcuts</h3>" + table(["", "AUROC", "decisions changed"], rows, caption)


def _against(report: Report) -> str:
    model = report["model"]
    rows = [
        [TITLES[name], with_interval(row["difference"]), number(row["p"], 4)]
        for name, row in report["differences"].items()
    ]
    delong, mcnemar = report["delong"], report["mcnemar"]
    caption = (
        f"This model less {text(model['name'])} {text(model['version'])}, {report['images']} images"
    )
    return (
        "<h3>Against another model</h3>"
        + table(["paired bootstrap over patients", "difference", "p"], rows, caption)
        + f"<p>DeLong: difference of AUROC {with_interval(delong['difference'])}, "
        f"p = {number(delong['p'], 4)}. McNemar: {mcnemar['only_first_right']} right only here, "
        f"{mcnemar['only_second_right']} right only there, p = {number(mcnemar['p'], 4)}.</p>"
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
        html += (
            f'<p class="quiet">{title}, the surest first</p><div class="pictures">{figures}</div>'
        )
    return html


_OPTIONAL = {
    "localisation": _localisation,
    "robustness": _robustness,
    "masks": _masks,
    "against": _against,
    "pictures": _pictures,
}
