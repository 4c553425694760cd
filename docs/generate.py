"""Write what the documents say of the default bundle: `make docs`.

docs/model-card.md whole; in README.md and docs/measurements.md the part between the markers. No
figure there is typed by hand; tests/test_docs.py fails when they are not what this writes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pneumoscope.core.bundle import bundle_find
from pneumoscope.core.model_card import model_card
from pneumoscope.core.report import Report, figure_lines, read_report, summary_lines, target_lines

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->\n"
TEST = "kermany_test"


def documents() -> dict[Path, str]:
    """Every generated document with the text it must have."""
    report = read_report(bundle_find())
    if report is None:
        raise SystemExit("no report.json of the default bundle: run `make figures DATA=DIR`")
    readme, measurements = ROOT / "README.md", ROOT / "docs" / "measurements.md"
    return {
        ROOT / "docs" / "model-card.md": model_card(bundle_find()),
        readme: _between_markers(readme, _headline(report)),
        measurements: _between_markers(measurements, _elsewhere(report)),
    }


def _headline(report: Report) -> Iterator[str]:
    yield from target_lines(report, "###")
    yield f"Measured on {report['date']}.\n"
    yield from figure_lines(report["sets"][TEST], "###")


def _elsewhere(report: Report) -> Iterator[str]:
    yield from target_lines(report, "##")
    yield "The whole of each set is in the [model card](model-card.md).\n"
    yield from summary_lines(report, "##")


def _between_markers(path: Path, lines: Iterable[str]) -> str:
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    body = "\n".join(line.rstrip(" ") for line in lines)
    return f"{before}{BEGIN}{body}{END}{after}"


def main() -> None:
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
