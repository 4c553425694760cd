"""`report.json`: the figures measured on a finished bundle, and how they are told in Markdown.

Written by `pneumoscope evaluate`, kept beside the bundle: model, date, sets by name, and, where
everything was measured at once, targets and speed. A figure is [value, low, high] with its 95 %
interval, null where it does not exist.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pneumoscope.core.bundle import read_card
from pneumoscope.core.errors import BundleCorrupt

Report: TypeAlias = dict[str, Any]
Figure: TypeAlias = Sequence[float | None]

TITLES = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity (recall)",
    "specificity": "Specificity",
    "precision": "Precision (PPV)",
    "npv": "Negative predictive value",
    "f1": "F1",
    "mcc": "Matthews correlation",
    "ece": "Expected calibration error",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration in the large",
}


def read_report(folder: Path) -> Report | None:
    """The bundle's `report.json`, or None when there is none or it speaks of another bundle.

    Raises BundleCorrupt where it is no report.
    """
    path = folder / "report.json"
    if not path.is_file():
        return None
    try:
        report: Report = json.loads(path.read_text(encoding="utf-8"))
        measured = report["model"]["hash"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleCorrupt(f"{folder.name}/report.json is no report: {error!r}") from error
    _, content_hash = read_card(folder)
    return report if measured == content_hash else None


def report_lines(report: Report, heading: str = "##") -> Iterator[str]:
    """Markdown of everything measured, set after set; `heading` begins each set's title."""
    yield from target_lines(report, heading)
    for part in report["sets"].values():
        yield from set_lines(part, heading) if "figures" in part else gate_lines(part, heading)


def target_lines(report: Report, heading: str) -> Iterator[str]:
    """What was asked for, and what was reached."""
    if not (targets := report.get("targets")):
        return
    yield f"{heading} What was asked for\n"
    yield f"{sum(row['reached'] for row in targets)} of {len(targets)} reached.\n"
    rows = [
        (
            row["measure"],
            f"{row['sign']} {row['target']:g}",
            number(row["found"][0]),
            span(row["found"]),
            "yes" if row["reached"] else "**no**",
        )
        for row in targets
    ]
    yield from table(("measure", "asked", "found", "interval", "reached"), rows)


def summary_lines(report: Report, heading: str) -> Iterator[str]:
    """One row per set and per question asked of it, then the input gate."""
    names = ("auroc", "sensitivity", "specificity")
    rows = []
    for part in report["sets"].values():
        for row in (part, *part.get("contrasts", ())):
            if figures := row.get("figures"):
                counts = f"{row['ill']} / {row['images']}"
                name = row.get("title") or row["name"]
                cells = [whole(figures[key]) for key in names]
                if at := row.get("at_specificity"):
                    cells[1:] = whole(at["sensitivity"]), number(at["specificity"])
                rows.append((name, counts, *cells))
    yield f"{heading} Every set\n"
    yield from table(("set or question", "ill / images", *(TITLES[name] for name in names)), rows)
    if gate := report["sets"].get("gate"):
        yield from gate_lines(gate, heading)


def set_lines(part: Report, heading: str) -> Iterator[str]:
    """One set: its figures, and what else was measured on it."""
    yield from figure_lines(part, heading)
    for lines in (_uncertain, _points, _contrasts, _subgroups, _localisation, _masks, _robustness):
        yield from lines(part, f"{heading}#")


def figure_lines(part: Report, heading: str) -> Iterator[str]:
    """The figures of one set, the trivial baselines beside them."""
    yield f"{heading} {part['title']}\n"
    if note := part.get("note"):
        yield f"{note}\n"
    yield f"{part['images']:,} radiographs of {part['patients']:,} patients, {part['ill']:,} ill;"
    yield f"{len(part['refused'])} more were refused by the input gate and are in no figure."
    yield f"Positive from {part['threshold']:.4f} upwards; intervals by bootstrap over patients.\n"
    trivial = part["baselines"]
    rows = [
        (
            TITLES[name],
            number(figure[0]),
            span(figure),
            *(number(row["figures"].get(name)) for row in trivial),
        )
        for name, figure in part["figures"].items()
    ]
    if aetiology := part["aetiology"]:
        figure = aetiology["figures"]["auroc"]
        blank = ("",) * len(trivial)
        rows.append(("AUROC bacterial against viral", number(figure[0]), span(figure), *blank))
    yield from table(("figure", "value", "95 % interval", *(row["name"] for row in trivial)), rows)
    counts = part["confusion"]
    yield f"Confusion: {counts['true_positive']} true positive, {counts['false_negative']} false"
    yield f"negative, {counts['true_negative']} true negative, {counts['false_positive']} false"
    yield "positive. The columns after the interval do not look at the lungs; their direction and"
    yield "threshold are the best possible on this very set.\n"


def _uncertain(part: Report, _heading: str) -> Iterator[str]:
    if found := part["uncertain"]:
        yield f"Called uncertain: {percent(found['share'])}. Of the other results"
        yield f"{percent(found['accuracy_of_the_others'])} are right; right or called uncertain are"
        yield f"{percent(found['coverage'])} (ill {percent(found['coverage_ill'])}, well"
        yield f"{percent(found['coverage_well'])}).\n"


def _points(part: Report, heading: str) -> Iterator[str]:
    if not (points := part["operating_points"]):
        return
    yield f"{heading} Operating points\n"
    shares = [row[0] for row in points[0]["at_prevalence"]]
    worth = (f"PPV / NPV at {percent(share, 0)}" for share in shares)
    head = ("point", "from", "sensitivity", "specificity", *worth)
    rows = [
        (
            point["name"],
            f"{point['threshold']:.4f}",
            *(whole(point[name]) for name in ("sensitivity", "specificity")),
            *(f"{percent(ppv)} / {percent(npv)}" for _, ppv, npv in point["at_prevalence"]),
        )
        for point in points
    ]
    yield from table(head, rows)


def _contrasts(part: Report, heading: str) -> Iterator[str]:
    if not part["contrasts"]:
        return
    yield f"{heading} Asked otherwise\n"
    names = ("auroc", "sensitivity", "specificity")
    rows = []
    for row in part["contrasts"]:
        figures = row["figures"] or dict.fromkeys(names, (None, None, None))
        small = " (few images: an indication)" if row["small"] else ""
        counts = f"{row['ill']} / {row['images']}"
        rows.append((row["name"] + small, counts, *(whole(figures[name]) for name in names)))
        if at := row.get("at_specificity"):
            name = f"the same from {number(at['threshold'], 4)} upwards"
            rows.append((name, "", "", whole(at["sensitivity"]), number(at["specificity"])))
    yield from table(("question", "ill / images", *(TITLES[name] for name in names)), rows)


def _subgroups(part: Report, heading: str) -> Iterator[str]:
    if not part["subgroups"]:
        return
    yield f"{heading} Subgroups\n"
    names = ("auroc", "sensitivity", "specificity")
    rows = [
        (
            f"{row['by']}: {row['group']}",
            f"{row['ill']} / {row['images']}",
            *(whole(row["figures"][name]) if row["figures"] else "suppressed" for name in names),
        )
        for row in part["subgroups"]
    ]
    yield from table(("group", "ill / images", *(TITLES[name] for name in names)), rows)
    yield "Groups under 20 images or with one class only are suppressed.\n"


def _localisation(part: Report, heading: str) -> Iterator[str]:
    if not (found := part.get("localisation")):
        return
    chosen = found["miou_at_chosen_level"]
    levels = " and ".join(f"{level:.2f}" for level in chosen["levels"])
    yield f"{heading} Localisation\n"
    yield f"{found['true_positives']} true positives of {found['boxed_images']} boxed images.\n"
    rows = [
        ("pointing game: brightest point in a box", whole(found["pointing"])),
        ("the same within 15 pixels of one", whole(found["pointing_within_15_px"])),
        ("a point thrown at random", number(found["pointing_by_chance"])),
        (f"mIoU at the shipped level {found['level']:.2f}", whole(found["miou"])),
        (f"mIoU at the level best on the other half ({levels})", whole(chosen["miou"])),
    ]
    yield from table(("what", "figure"), rows)


def _masks(part: Report, heading: str) -> Iterator[str]:
    if not (found := part.get("masks")):
        return
    yield f"{heading} Shortcuts\n"
    yield f"AUROC with nothing masked {number(found['auroc'])}. With border or corners masked it"
    yield "should stay; with the border alone it should be near 0.5.\n"
    rows = [
        (
            f"{row['mask']}, {percent(row['share'], 0)} of the side",
            number(row["auroc"]),
            percent(row["changed_decisions"]),
        )
        for row in found["rows"]
    ]
    yield from table(("mask", "AUROC", "decisions changed"), rows)


def _robustness(part: Report, heading: str) -> Iterator[str]:
    """The mildest, the middle and the strongest degree; report.html has all five."""
    if not (found := part.get("robustness")):
        return
    yield f"{heading} Robustness\n"
    yield f"AUROC of what was read, and the share refused, on {found['images']} radiographs; clean"
    yield f"{number(found['clean']['auroc'])}, {percent(found['clean']['refused'])}.\n"
    degrees = (1, 3, 5)
    cells: dict[str, list[str]] = {}
    for row in found["rows"]:
        if row["degree"] in degrees:
            told = f"{number(row['auroc'])}, {percent(row['refused'])} ({row['strength']:g})"
            cells.setdefault(row["corruption"], []).append(told)
    yield from table(
        ("corruption", *(f"degree {degree} of 5" for degree in degrees)),
        [(name, *told) for name, told in cells.items()],
    )


def gate_lines(part: Report, heading: str) -> Iterator[str]:
    """What the input gate refuses, folder by folder."""
    yield f"{heading} Input gate\n"
    rows = [
        (
            row["folder"],
            row["must_be"],
            f"{row['refused']:,} of {row['images']:,}",
            percent(row["share_refused"][0]),
            " – ".join(percent(value) for value in row["share_refused"][1:]),
        )
        for row in part["parts"]
    ]
    yield from table(("folder", "must be", "refused", "share", "95 % interval (Wilson)"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table and the empty line after it."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def number(value: float | None, digits: int = 3) -> str:
    """A dash for what does not exist, and a true minus sign."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def span(figure: Figure) -> str:
    """The interval alone."""
    _, low, high = figure
    return "" if low is None or high is None else f"{number(low)} – {number(high)}"


def whole(figure: Figure) -> str:
    """Value and interval."""
    return f"{number(figure[0])} ({span(figure)})" if span(figure) else number(figure[0])
