"""The conformance statement says what the code does."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_conformance_statement_is_current():
    """`python docs/conformance.py` writes it."""
    spec = importlib.util.spec_from_file_location("conformance", DOCS / "conformance.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PATH.read_text(encoding="utf-8") == module.statement()
