"""The user guide names every key the pages have, and shows pictures that exist and are small."""

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WEB = ROOT / "src" / "pneumoscope" / "web"
IMAGES = ROOT / "docs" / "images"
GUIDE = (ROOT / "docs" / "user-guide.md").read_text(encoding="utf-8")

# As keyboard events call them, and as the guide does.
EVENTS = dict(
    zip(
        ("arrowleft", "arrowright", "arrowup", "arrowdown", "escape", "-"),
        ("←", "→", "↑", "↓", "esc", "−"),
        strict=True,
    )
)


def keys_of_the_guide() -> set[str]:
    table = GUIDE.partition("## Keys")[2].partition("\n## ")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("|")]
    return {key.lower() for row in rows for key in re.findall(r"`([^`]+)`", row)}


def scripts() -> list[Path]:
    found = [path for path in WEB.rglob("*.js") if "vendor" not in path.parts]
    return [path for path in found if "Keys.listen({" in path.read_text(encoding="utf-8")]


def keys_of_script(text: str) -> set[str]:
    """The names in the tables given to `Keys.listen`, not those of tables within."""
    names = set()
    for table in re.findall(r"Keys\.listen\(\{(.*?)\}\);", text, re.DOTALL):
        outer = re.sub(r"\n\s.*", "", textwrap.dedent(table.lstrip("\n")))
        found = re.findall(r'(?:^|[,{])\s*(?:"([^"]+)"|(\w+)):\s', outer, re.MULTILINE)
        names |= {(quoted or bare).lower() for quoted, bare in found}
    return {EVENTS.get(name, name) for name in names}


@pytest.mark.parametrize("script", scripts(), ids=lambda path: path.name)
def test_the_guide_names_every_key_of_a_script(script):
    keys = keys_of_script(script.read_text(encoding="utf-8"))
    assert keys
    assert keys <= keys_of_the_guide()


@pytest.mark.parametrize("template", sorted(WEB.rglob("templates/**/*.html")), ids=lambda p: p.name)
def test_the_guide_names_every_key_that_a_page_lists(template):
    lines = re.findall(r"<dt>(<kbd>.*?)</dt>", template.read_text(encoding="utf-8"))
    keys = {key.lower() for line in lines for key in re.findall(r"<kbd>(.*?)</kbd>", line)}
    assert keys <= keys_of_the_guide()


def test_the_keys_of_the_viewer_are_found():
    assert len(scripts()) >= 4
    viewer = (WEB / "studies/static/studies/viewer.js").read_text(encoding="utf-8")
    assert keys_of_script(viewer) >= {"h", "c", "r", "+", "=", "−", "0", "[", "]", "w", "esc", "←"}


def test_every_picture_is_there_small_and_shown():
    documents = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    words = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    shown = set(re.findall(r"images/([\w-]+\.(?:jpg|png))\)", words))
    sizes = {path.name: path.stat().st_size for path in IMAGES.iterdir()}
    assert shown == set(sizes)
    assert max(sizes.values()) <= 120_000
    assert sum(sizes.values()) <= 1_200_000
