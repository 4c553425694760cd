"""Documents that speak of the shipped model say what the bundle says."""

import importlib
from pathlib import Path

import pytest

from pneumoscope.core.bundle import bundle_find
from pneumoscope.core.model_card import model_card
from pneumoscope.core.report import number, percent, whole
from pneumoscope.core.section import Section, section_lines, table
from pneumoscope.lab.evaluation.markup import section

ROOT = Path(__file__).parents[1]


@pytest.fixture
def documents(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("generate").documents()


@pytest.mark.parametrize("name", ["README.md", "docs/model-card.md", "docs/measurements.md"])
def test_generated_documents_are_current(name, documents):
    """`make docs` writes them."""
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == documents[ROOT / name]


@pytest.mark.parametrize(
    "part",
    [
        "Research use only",
        "Intended use",
        "Population",
        "Training data",
        "screening",
        "uncertain",
        "AUROC",
        "95 % interval",
        "always pneumonia",
        "Limits",
        "Licence",
    ],
)
def test_the_model_card_says_what_it_must(part):
    assert part in model_card(bundle_find())


def test_a_section_is_told_alike_in_markdown_and_html():
    told = Section(
        "A & b", ("what", "figure"), [("**<no>**", (0.5, 0.25, 0.75))], ["First."], ["< 1"]
    )
    assert list(section_lines(told, "##")) == [
        *("## A & b\n", "First.\n", "| what | figure |", "|---|---|"),
        *("| **<no>** | 0.500 (0.250 – 0.750) |", "", "< 1\n"),
    ]
    html = section(told)
    assert html.startswith("<h3>A &amp; b</h3><p>First.</p>")
    assert "<strong>&lt;no&gt;</strong>" in html
    assert "0.500<small>0.250 – 0.750</small>" in html
    assert html.endswith("<p>&lt; 1</p>")


def test_what_does_not_exist_is_a_dash():
    assert number(None) == percent(None) == whole([None, None, None]) == "–"
    assert whole([0.5, 0.25, 0.75]) == "0.500 (0.250 – 0.750)"
    assert list(table(("a", "b"), [("1", "2")])) == ["| a | b |", "|---|---|", "| 1 | 2 |", ""]
