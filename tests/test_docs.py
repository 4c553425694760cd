"""Documents that speak of the shipped model say what the bundle says."""

import importlib.util
from pathlib import Path

from pneumoscope.core.bundle import bundle_find
from pneumoscope.core.model_card import model_card

ROOT = Path(__file__).parents[1]


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_model_card_is_the_bundle_s():
    """`make docs` writes it."""
    written = (ROOT / "docs" / "model-card.md").read_text(encoding="utf-8")
    assert written == model_card(bundle_find())


def test_the_readme_s_figures_are_the_report_s():
    """`make docs` writes them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == generator().readme(text)


def test_the_model_card_says_what_it_must():
    text = model_card(bundle_find())
    for part in ("Research use only", "Intended use", "Population", "Limits", "Licence", "AUROC"):
        assert part in text
