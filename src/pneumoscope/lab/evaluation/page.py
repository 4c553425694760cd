"""report.html: one file that needs nothing else, for screen and paper, in dark and light."""

from importlib.resources import files
from pathlib import Path

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.core.report import Report
from pneumoscope.core.report_sections import gate_section, targets_section
from pneumoscope.lab.evaluation.markup import section, table, text
from pneumoscope.lab.evaluation.sections import set_sections
from pneumoscope.lab.whole_files import write_whole


def write_page(report: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page(report).encode())


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
    told = "".join(set_sections(part)) if "figures" in part else _gate(part)
    return f'<section id="{text(key)}">{told}</section>'


def _targets(report: Report) -> str:
    told = targets_section(report)
    return section(told, level=2) if told else ""


def _gate(part: Report) -> str:
    return section(gate_section(part), level=2) + "".join(map(_gate_details, part["parts"]))


def _gate_details(row: Report) -> str:
    """The reasons, by kind of picture, and the names of what came out wrongly."""
    kinds = [
        [text(kind), f"{counts['refused']} / {counts['images']}"]
        for kind, counts in row["by_kind"].items()
    ]
    wrong = ", ".join(text(name) for name in row["wrong"])
    reasons = ", ".join(f"{text(code)} {count}" for code, count in row["reasons"].items())
    if not kinds and not wrong and not reasons:
        return ""
    listed = table(["kind of picture", "refused"], kinds) if kinds else ""
    why = f"<p>Refused for: {reasons}</p>" if reasons else ""
    names = f"<p class='quiet'>Came out wrongly: {wrong}</p>" if wrong else ""
    return f"<details><summary>{text(row['folder'])}</summary>{why}{listed}{names}</details>"
