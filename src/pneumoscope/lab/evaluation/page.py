"""report.html: one file that needs nothing else, for screen and paper, in dark and light."""

from importlib.resources import files
from pathlib import Path

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.core.report import Report, number, percent
from pneumoscope.lab.evaluation.markup import table, text
from pneumoscope.lab.evaluation.sections import set_sections


def write_page(report: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(report), encoding="utf-8")


def page(report: Report) -> str:
    model = report["model"]
    name = f"{text(model['name'])} {text(model['version'])}"
    css = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    links = "".join(
        f'<a href="#{text(key)}">{text(part.get("title", "Input gate"))}</a>'
        for key, part in report["sets"].items()
        if len(report["sets"]) > 1
    )
    body = "".join(_set(key, part) for key, part in report["sets"].items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name} – evaluation</title><style>{css}</style></head><body>"
        f"<header><h1>{name}</h1><p class='quiet'>Measured on {report['date']} · bundle "
        f"<span class='hash'>{text(model['hash'])}</span></p>"
        f"<p class='notice'>{RESEARCH_USE_ONLY}</p><nav>{links}</nav></header>"
        f"<main>{_targets(report)}{body}</main>"
        f"<footer>{RESEARCH_USE_ONLY}. Written by pneumoscope evaluate.</footer></body></html>\n"
    )


def _set(key: str, part: Report) -> str:
    sections = "".join(set_sections(part)) if "figures" in part else _gate(part)
    title = text(part.get("title", "Input gate"))
    note = f"<p>{text(part['note'])}</p>" if part.get("note") else ""
    return f'<section id="{text(key)}"><h2>{title}</h2>{note}{sections}</section>'


def _targets(report: Report) -> str:
    if not (targets := report.get("targets")):
        return ""
    rows = []
    for row in targets:
        value, low, high = row["found"]
        mark = (
            '<span class="yes">✓ reached</span>'
            if row["reached"]
            else '<span class="no">✗ not reached</span>'
        )
        span = "" if low is None else f"{number(low)} – {number(high)}"
        goal = f"{row['sign']} {row['target']:g}"
        rows.append([text(row["measure"]), goal, number(value), span, mark])
    reached = sum(row["reached"] for row in targets)
    caption = f"{reached} of {len(targets)} reached; none is left out"
    return "<h2>What was asked for</h2>" + table(
        ["", "asked", "found", "interval", ""], rows, caption
    )


def _gate(part: Report) -> str:
    rows = []
    for row in part["parts"]:
        share, low, high = row["share_refused"]
        reasons = ", ".join(f"{text(code)} {count}" for code, count in row["reasons"].items())
        rows.append(
            [
                f"{text(row['folder'])} <small>{reasons}</small>",
                row["must_be"],
                f"{row['refused']} / {row['images']}",
                f"{percent(share)}<small>{percent(low)} – {percent(high)}</small>",
            ]
        )
    caption = "Refused: without a number, with the reason beside the folder. Intervals: Wilson."
    head = ["", "must be", "refused", "share refused"]
    return table(head, rows, caption) + "".join(map(_gate_details, part["parts"]))


def _gate_details(row: Report) -> str:
    """By kind of picture, and the names of what came out wrongly."""
    kinds = [
        [text(kind), f"{counts['refused']} / {counts['images']}"]
        for kind, counts in row["by_kind"].items()
    ]
    wrong = ", ".join(text(name) for name in row["wrong"])
    if not kinds and not wrong:
        return ""
    listed = table(["kind of picture", "refused"], kinds) if kinds else ""
    names = f"<p class='quiet'>Came out wrongly: {wrong}</p>" if wrong else ""
    return f"<details><summary>{text(row['folder'])}</summary>{listed}{names}</details>"
