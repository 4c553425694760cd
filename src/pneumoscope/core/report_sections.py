"""What a report tells, section by section, in reading order, for the model card and the page."""

from collections.abc import Iterator

from pneumoscope.core.report import TITLES, Report, number, percent, span
from pneumoscope.core.report_extras import extra_sections
from pneumoscope.core.section import Cell, Section, section_lines

_KEY = ("auroc", "sensitivity", "specificity")
_NONE: Cell = (None, None, None)


def report_lines(report: Report, heading: str = "##") -> Iterator[str]:
    """Markdown of everything measured, set after set; `heading` begins each set's title."""
    yield from target_lines(report, heading)
    for part in report["sets"].values():
        if "figures" not in part:
            yield from section_lines(gate_section(part), heading)
            continue
        yield from section_lines(figures_section(part), heading)
        for section in further_sections(part):
            yield from section_lines(section, f"{heading}#")


def target_lines(report: Report, heading: str) -> Iterator[str]:
    if section := targets_section(report):
        yield from section_lines(section, heading)


def summary_lines(report: Report, heading: str) -> Iterator[str]:
    """One row per set and per question asked of it, then the input gate."""
    yield from section_lines(summary_section(report), heading)
    if gate := report["sets"].get("gate"):
        yield from section_lines(gate_section(gate), heading)


def targets_section(report: Report) -> Section | None:
    """What was asked for, and what was reached."""
    if not (targets := report.get("targets")):
        return None
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
    reached = f"{sum(row['reached'] for row in targets)} of {len(targets)} reached."
    head = ("measure", "asked", "found", "interval", "reached")
    return Section("What was asked for", head, rows, [reached])


def summary_section(report: Report) -> Section:
    """One row per set and per question asked of it."""
    rows: list[tuple[Cell, ...]] = []
    for part in report["sets"].values():
        for row in (part, *part.get("contrasts", ())):
            if not (figures := row.get("figures")):
                continue
            name = row.get("title") or row["name"]
            cells: list[Cell] = [figures[key] for key in _KEY]
            if at := row.get("at_specificity"):
                cells[1:] = at["sensitivity"], number(at["specificity"])
            rows.append((name, f"{row['ill']} / {row['images']}", *cells))
    head = ("set or question", "ill / images", *(TITLES[name] for name in _KEY))
    return Section("Every set", head, rows)


def figures_section(part: Report) -> Section:
    """The figures of one set, the trivial baselines beside them."""
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
    head = ("figure", "value", "95 % interval", *(row["name"] for row in trivial))
    intro = [*filter(None, [part.get("note")]), _counted(part)]
    return Section(part["title"], head, rows, intro, [_confusion(part)])


def _counted(part: Report) -> str:
    return (
        f"{part['images']:,} radiographs of {part['patients']:,} patients, {part['ill']:,} ill;\n"
        f"{len(part['refused'])} more, refused by the gate or unreadable, are in no figure.\n"
        f"Positive from {part['threshold']:.4f} upwards; intervals by bootstrap over patients."
    )


def _confusion(part: Report) -> str:
    counts = part["confusion"]
    return (
        f"Confusion: {counts['true_positive']} true positive, {counts['false_negative']} false\n"
        f"negative, {counts['true_negative']} true negative, {counts['false_positive']} false\n"
        "positive. The columns after the interval do not look at the lungs; their direction and\n"
        "threshold are the best possible on this very set."
    )


def _uncertain(found: Report) -> Section:
    told = (
        f"Called uncertain: {percent(found['share'])}. Of the other results\n"
        f"{percent(found['accuracy_of_the_others'])} are right; right or called uncertain are\n"
        f"{percent(found['coverage'])} (ill {percent(found['coverage_ill'])}, well\n"
        f"{percent(found['coverage_well'])})."
    )
    return Section("", intro=[told])


def further_sections(part: Report) -> Iterator[Section]:
    """What else was measured on a set."""
    if uncertain := part["uncertain"]:
        yield _uncertain(uncertain)
    if points := part["operating_points"]:
        yield _operating_points(points)
    if contrasts := part["contrasts"]:
        yield _contrasts(contrasts)
    if groups := part["subgroups"]:
        yield _subgroups(groups)
    yield from extra_sections(part)


def _operating_points(points: list[Report]) -> Section:
    worth = (f"PPV / NPV at {percent(row[0], 0)}" for row in points[0]["at_prevalence"])
    rows = [
        (
            point["name"],
            f"{point['threshold']:.4f}",
            point["sensitivity"],
            point["specificity"],
            *(f"{percent(ppv)} / {percent(npv)}" for _, ppv, npv in point["at_prevalence"]),
        )
        for point in points
    ]
    return Section("Operating points", ("point", "from", *_KEY[1:], *worth), rows)


def _contrasts(contrasts: list[Report]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for row in contrasts:
        figures = row["figures"] or dict.fromkeys(_KEY, _NONE)
        small = " (few images: an indication)" if row["small"] else ""
        counts = f"{row['ill']} / {row['images']}"
        rows.append((row["name"] + small, counts, *(figures[name] for name in _KEY)))
        if at := row.get("at_specificity"):
            name = f"the same from {number(at['threshold'], 4)} upwards"
            rows.append((name, "", "", at["sensitivity"], number(at["specificity"])))
    head = ("question", "ill / images", *(TITLES[name] for name in _KEY))
    return Section("Asked otherwise", head, rows)


def _subgroups(groups: list[Report]) -> Section:
    rows = [
        (
            f"{row['by']}: {row['group']}",
            f"{row['ill']} / {row['images']}",
            *(row["figures"][name] if row["figures"] else "suppressed" for name in _KEY),
        )
        for row in groups
    ]
    head = ("group", "ill / images", *(TITLES[name] for name in _KEY))
    note = "Groups under 20 images or with one class only are suppressed."
    return Section("Subgroups", head, rows, notes=[note])


def gate_section(part: Report) -> Section:
    """What the input gate refuses, folder by folder."""
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
    head = ("folder", "must be", "refused", "share", "95 % interval (Wilson)")
    return Section("Input gate", head, rows)
