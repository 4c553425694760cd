"""The icons of the installed web app, drawn from the project's mark by Chromium.

    .venv-dev/bin/python tools/write_icons.py [CHROMIUM]

Run it when `icon.svg` changes and commit what it writes. The mark has one source: PNG is for
systems that take no SVG. A maskable icon may be cut to any shape, so that its ground reaches every
edge and the mark stays within the inner 80 % (W3C Web Application Manifest, 1.5.3).
"""

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

STATIC = Path(__file__).parents[1] / "src/pneumoscope/web/static/pneumoscope"
PLAIN = '<rect width="32" height="32" rx="6"'
FULL = '<rect width="32" height="32"'
MARK = 'transform="translate(4 4)"'
SMALLER = 'transform="translate(16 16) scale(.8) translate(-12 -12.5)"'


def draw(browser: Browser, svg: str, size: int, name: str) -> None:
    page = browser.new_page(viewport={"width": size, "height": size})
    page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{svg}")
    page.screenshot(path=STATIC / name, omit_background=True)
    page.close()


def main(chromium: str = "/usr/bin/chromium") -> None:
    plain = (STATIC / "icon.svg").read_text()
    maskable = plain.replace(PLAIN, FULL).replace(MARK, SMALLER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        draw(browser, plain, 192, "app-192.png")
        draw(browser, plain, 512, "app-512.png")
        draw(browser, maskable, 512, "app-maskable-512.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
