"""The dashboard in a browser: plots are drawn and lead to their studies; any width, any colours."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e

# Whether anything of a canvas is painted.
PAINTED = """canvas => canvas.getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0)"""


def open_dashboard(open_page, query: str = "", **options: object) -> Page:
    """With the sample studies that a new installation brings, all read."""
    page = open_page("/", **options)
    expect(page.locator("#rows .finding").first).to_be_visible()
    expect(page.locator("[data-pending]")).to_have_count(0)
    page.goto(f"/dashboard/{query}")
    return page


def canvas_of(page: Page, plot: str):
    return page.locator(f"[data-plot={plot}] canvas")


def test_plots_are_drawn_and_the_pointer_lights_their_row(open_page):
    page = open_dashboard(open_page, "?days=7")
    for plot in ("volume", "result-time"):
        expect(canvas_of(page, plot)).to_be_visible()
        assert canvas_of(page, plot).evaluate(PAINTED)
    today = page.locator("section:has([data-plot=volume]) tr[data-place='6']")
    over = page.locator("[data-plot=volume] .u-over")
    over.hover(position={"x": over.bounding_box()["width"] - 4, "y": 20})
    expect(today).to_have_class("lit")


def test_a_bar_and_a_row_lead_to_their_studies(open_page):
    page = open_dashboard(open_page, "?days=7")
    row = page.locator("section:has([data-plot=volume]) tr[data-place='6']")
    count = row.locator("td").first.inner_text()
    address = row.get_by_role("link").get_attribute("href")
    row.get_by_role("link").click()
    expect(page.locator(".count")).to_contain_text(f"{count} stud")
    assert page.url.endswith(address)
    page.go_back()
    over = page.locator("[data-plot=volume] .u-over")
    over.click(position={"x": over.bounding_box()["width"] - 4, "y": 20})
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    assert page.url.endswith(address)


def test_another_reading_mode_draws_in_its_colours(open_page):
    page = open_dashboard(open_page)
    canvas = canvas_of(page, "volume")
    dark = canvas.evaluate("canvas => canvas.toDataURL()")
    page.locator("[data-theme-toggle]").click()
    light = canvas_of(page, "volume").evaluate("canvas => canvas.toDataURL()")
    assert light != dark
    page.emulate_media(media="print")
    expect(canvas_of(page, "volume")).to_be_visible()
    expect(page.locator(".periods")).to_be_hidden()


@pytest.mark.parametrize("days", [7, 365])
def test_it_fits_a_phone(open_page, days):
    page = open_dashboard(open_page, f"?days={days}", width=360, height=740)
    expect(canvas_of(page, "volume")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
