"""Write docs/model-card.md and the README's figures from the default bundle: `make docs`.

No figure in them is typed by hand; tests/test_docs.py fails when they are not what this writes.
"""

from pathlib import Path

from pneumoscope.core.bundle import bundle_find
from pneumoscope.core.model_card import figure_lines, model_card, read_report

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->\n"


def readme(text: str) -> str:
    """The README with the part between the markers replaced by the default bundle's figures."""
    report = read_report(bundle_find())
    if report is None:
        raise SystemExit("no report.json of the default bundle: run `pneumoscope evaluate`")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    figures = "\n".join(line.rstrip(" ") for line in figure_lines(report, heading="###"))
    return f"{before}{BEGIN}{figures}{END}{after}"


def main() -> None:
    (ROOT / "docs" / "model-card.md").write_text(model_card(bundle_find()), encoding="utf-8")
    path = ROOT / "README.md"
    path.write_text(readme(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
