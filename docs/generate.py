"""Write what the documents say of the default bundle: `make docs`.

docs/model-card.md whole; in README.md and docs/measurements.md the parts between markers, the
latter also from what other commands left in docs/measured. No figure there is typed by hand;
tests/test_docs.py fails when they are not what this writes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import measured_tables

from pneumoscope.core.bundle import bundle_find
from pneumoscope.core.model_card import model_card
from pneumoscope.core.report import Report, read_report
from pneumoscope.core.report_sections import figures_section, summary_lines, target_lines
from pneumoscope.core.section import section_lines

ROOT = Path(__file__).parent.parent
TEST = "kermany_test"


def documents() -> dict[Path, str]:
    """Every generated document with the text it must have."""
    report = read_report(bundle_find())
    if report is None:
        raise SystemExit("no report.json of the default bundle: run `make figures DATA=DIR`")
    readme, measurements = ROOT / "README.md", ROOT / "docs" / "measurements.md"
    return {
        ROOT / "docs" / "model-card.md": model_card(bundle_find()),
        readme: _between_markers(readme, {"figures": _headline(report)}),
        measurements: _between_markers(
            measurements,
            {
                "trainings": measured_tables.trainings(),
                "figures": _elsewhere(report),
                "tuning": measured_tables.tuning(),
                "networks": measured_tables.networks(),
                "dicom": measured_tables.dicom(),
                "speed": measured_tables.speed(),
            },
        ),
    }


def _headline(report: Report) -> Iterator[str]:
    yield from target_lines(report, "###")
    yield f"Measured on {report['date']}.\n"
    yield from section_lines(figures_section(report["sets"][TEST]), "###")


def _elsewhere(report: Report) -> Iterator[str]:
    yield from target_lines(report, "##")
    yield "The whole of each set is in the [model card](model-card.md).\n"
    yield from summary_lines(report, "##")


def _between_markers(path: Path, parts: dict[str, Iterable[str]]) -> str:
    text = path.read_text(encoding="utf-8")
    for name, lines in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        body = "\n".join(line.rstrip(" ") for line in lines)
        text = f"{before}{begin}{body}{end}{after}"
    return text


def main() -> None:
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
