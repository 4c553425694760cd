"""The conformance statement says what the code does."""

import importlib.util
from pathlib import Path

import pytest

from interop.findings import make_finding
from pneumoscope.interop.encapsulated_pdf import make_encapsulated_pdf
from pneumoscope.interop.objects import OBJECTS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def conformance():
    spec = importlib.util.spec_from_file_location("conformance", DOCS / "conformance.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_conformance_statement_is_current(conformance):
    """`python docs/conformance.py` writes it."""
    assert conformance.PATH.read_text(encoding="utf-8") == conformance.statement()


def test_every_class_that_is_sent_is_stated(conformance):
    made = [make(make_finding()) for make in OBJECTS.values()]
    made.append(make_encapsulated_pdf(make_finding(), b"%PDF-", title="Report"))
    asked = {str(sop_class) for sop_class, _ in conformance._ASKED}
    assert {str(each.SOPClassUID) for each in made} <= asked
