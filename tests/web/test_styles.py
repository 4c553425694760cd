"""Our styles name start and end, so that a page read from the right mirrors; nothing is excused."""

import re
from pathlib import Path

import pytest

import pneumoscope.web

WEB = Path(pneumoscope.web.__file__).parent
STYLES = sorted(path for path in WEB.rglob("static/**/*.css") if "vendor" not in path.parts)
NAMES_A_SIDE = re.compile(
    r"(?<![-\w])(?:left|right)\s*:|-(?:left|right)\b|(?:text-align|float|clear)\s*:\s*(?:left|right)"
)
FOUR_SIDES = re.compile(r"(?<![-\w])((?:margin|padding|inset|border-width)\s*:\s*([^;{}]+))")
LENGTH = re.compile(r"[^\s()]+(?:\((?:[^()]|\([^()]*\))*\))?")


def sides_named(css: str) -> list[str]:
    """Declarations that mean one side of the screen, whatever the direction of the words."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    uneven = [
        declaration
        for declaration, value in FOUR_SIDES.findall(css)
        if len(lengths := LENGTH.findall(value)) == 4 and lengths[1] != lengths[3]
    ]
    return [found[0] for found in NAMES_A_SIDE.finditer(css)] + uneven


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_style_sheet_names_no_side(path):
    assert sides_named(path.read_text()) == []


@pytest.mark.parametrize(
    "rule",
    [
        "margin-left: 1px",
        "left: 0",
        "text-align: right",
        "border-top-right-radius: 2px",
        "padding: 1px 2px calc(2 * var(--unit)) 3px",
    ],
)
def test_a_side_is_seen(rule):
    assert len(sides_named(f"a {{ color: red; {rule}; }}")) == 1


def test_start_end_and_even_sides_are_free():
    css = "a { margin: 0 auto; padding: 1px 2px 3px 2px; inset-inline-start: 0; text-align: end }"
    assert sides_named(css) == []
    assert sides_named("/* left: of the image */ a::before { content: 'x' }") == []
    assert len(STYLES) > 8
