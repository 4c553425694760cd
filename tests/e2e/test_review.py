"""A reader's word and a signed report, by keyboard and on a phone."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from e2e.reading import drag, open_study, read_blind, row, until, viewer_ready
from e2e.test_lock import lock_by_menu, locked, unlock

pytestmark = pytest.mark.e2e


def open_result(page: Page) -> None:
    """The first study of the worklist that has a number."""
    page.get_by_role("link", name=re.compile("normal_|pneumonia_")).first.click()
    viewer_ready(page)
    expect(page.locator("#review h3")).to_be_visible()


def test_a_review_in_one_key(open_page):
    page = open_page("/")
    open_result(page)
    page.keyboard.press("h")
    page.keyboard.press("a")
    form = page.locator("[data-review]")
    expect(form.locator("[value=agree]")).to_be_checked()
    expect(page.locator("#live")).to_have_text("Agree")
    page.keyboard.press("d")
    expect(form.get_by_label("Disagree")).to_be_checked()
    form.get_by_role("button", name="Save review").click()
    expect(form).to_contain_text("Say what the image shows instead.")
    form.get_by_label("The image shows").select_option("other")
    form.get_by_label("Comment").fill("A foreign body")
    form.get_by_role("button", name="Save review").click()
    expect(page.locator(".reviews")).to_contain_text("A foreign body")
    expect(page.locator("#live")).to_have_text("Review saved.")
    # The viewer that stood beside it all the time still answers each key once.
    page.keyboard.press("h")
    expect(page.get_by_role("switch", name="Heatmap")).to_have_attribute("aria-checked", "false")


def test_a_word_that_is_not_saved_is_left_only_on_purpose(open_page, server):
    page, other = open_page("/"), open_page("/models/")
    open_result(page)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.keyboard.press("d")
    page.locator("[data-worklist]").click()
    until(page, lambda: asked == ["beforeunload"])
    form = page.locator("[data-review]")
    form.get_by_label("The image shows").select_option("")
    form.get_by_label("Comment").fill("A rib")
    # Locked while it was sent, refused, and at last saved.
    lock_by_menu(other)
    form.evaluate("form => form.requestSubmit()")
    expect(locked(page)).to_be_visible()
    unlock(page, server.password)
    expect(locked(page)).to_be_hidden()
    expect(form.get_by_label("Disagree")).to_be_checked()
    expect(form.get_by_label("Comment")).to_have_value("A rib")
    page.locator("[data-worklist]").click()
    until(page, lambda: asked == ["beforeunload"] * 2)
    form.locator("[type=submit]").click()
    expect(form).to_contain_text("Say what the image shows instead.")
    page.locator("[data-worklist]").click()
    until(page, lambda: asked == ["beforeunload"] * 3)
    form.get_by_label("The image shows").select_option("other")
    form.locator("[type=submit]").click()
    expect(page.locator("#live")).to_have_text("Review saved.")
    page.locator("[data-worklist]").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    assert asked == ["beforeunload"] * 3


def drawn(page: Page) -> list[np.ndarray]:
    """What the form would send: float64 [corners, 2] of each region."""
    polygons = json.loads(page.locator("[data-drawing] [name=drawn]").input_value() or "[]")
    return [np.array(each) for each in polygons]


def around(x: float, y: float, width: float, height: float):
    """A box of these pixels of the window, give or take the width of a line."""
    return pytest.approx({"x": x, "y": y, "width": width, "height": height}, abs=6)


def test_regions_are_drawn_by_mouse_and_key_taken_away_and_kept(open_page):
    page = open_page("/")
    open_study(page, "bacteria_4875")
    rows = page.locator("[data-drawn] li")
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Draw an ellipse")).to_have_attribute(
        "aria-pressed", "true"
    )
    x, y = drag(page, (-120, 60), (-80, 90))
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Right lower zone")
    expect(page.locator("#live")).to_contain_text("Marked: Right lower zone")
    # Where it was drawn there it is outlined, also of a picture that stands otherwise.
    outline = page.locator("[data-marks] .mark .line").first
    until(page, lambda: outline.bounding_box() == around(x - 160, y + 30, 80, 60))
    [first] = drawn(page)
    page.keyboard.press("x")
    page.keyboard.press("b")
    until(page, lambda: outline.bounding_box() == around(x + 80, y + 30, 80, 60))
    drag(page, (120, 60), (80, 90))
    expect(rows).to_have_count(2)
    first, second = drawn(page)
    assert second.mean(axis=0) == pytest.approx(first.mean(axis=0), abs=8)
    page.keyboard.press("r")
    # By keys alone: the pointer starts in the middle.
    page.keyboard.press("b")
    for key in ["ArrowRight"] * 12 + ["Enter"] + ["ArrowRight", "ArrowDown"] * 4 + ["Enter"]:
        page.keyboard.press(key)
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Remove: Right lower zone").first.focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    expect(page.locator("#live")).to_contain_text("Removed: Right lower zone")
    # Freehand is closed where it was left open; a slip of the hand is none, and said so.
    page.keyboard.press("v")
    x, y = drag(page, (60, -120), (120, -120), (120, -60), (60, -60))
    expect(rows).to_have_count(3)
    square = page.locator("[data-marks] .mark .line").last
    until(page, lambda: square.bounding_box() == around(x + 60, y - 120, 60, 60))
    drag(page, (60, -60), (130, -60))
    expect(page.locator("#live")).to_contain_text("Too small")
    page.keyboard.press("Delete")
    expect(rows).to_have_count(2)
    expect(page.locator("[data-measurements] li")).to_have_count(0)
    page.keyboard.press("j")
    expect(page.locator("[data-marks]")).not_to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.get_by_role("button", name="Save review").click()
    expect(page.locator(".reviews .marks li")).to_have_count(2)
    page.reload()
    expect(page.locator(".reviews .marks li")).to_have_count(2)
    expect(page.locator("[data-marks] .mark")).to_have_count(2)


def test_a_report_is_signed_and_then_only_added_to(open_page):
    page = open_page("/", width=360, height=740)
    open_result(page)
    page.get_by_role("link", name="Open the report").click()
    page.get_by_label("Indication").fill("Fever and cough")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator(".report")).to_contain_text("Signed by admin")
    expect(page.get_by_label("Impression")).to_have_count(0)
    page.get_by_label("Addendum").fill("Called the ward.")
    page.get_by_role("button", name="Sign the addendum").click()
    expect(page.locator(".report")).to_contain_text("Called the ward.")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360


def test_read_blind_the_result_comes_after_one_s_own_word(open_page):
    page = open_page("/")
    read_blind(page, True)
    page.goto("/")
    expect(page.locator("#filters [name=result]")).to_have_count(0)
    page.get_by_role("link", name=re.compile("pneumonia_")).nth(1).click()
    expect(page.get_by_role("heading", name="What do you see?")).to_be_visible()
    expect(page.get_by_text("Likely pneumonia")).to_have_count(0)
    viewer_ready(page)
    page.keyboard.press("p")
    expect(page.get_by_role("radio", name="Move")).to_be_checked()
    expect(page.locator("[data-impression] :checked[type=radio]")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.locator("[data-impression] [value=pneumonia]")).to_be_checked()
    page.keyboard.press("n")
    expect(page.get_by_label("No pneumonia")).to_be_checked()
    page.get_by_label("How sure are you?").select_option("4")
    page.get_by_role("button", name="Keep it and show the result").click()
    expect(page.locator(".panel .verdict")).to_contain_text("operating threshold")
    expect(page.locator("#review")).to_contain_text("Your impression before the result")
    read_blind(page, False)


def test_what_is_drawn_before_the_impression_is_there_after_it(open_page):
    page = open_page("/")
    read_blind(page, True)
    page.goto("/")
    row(page, "bacteria_4882").locator("a.open").click()
    viewer_ready(page)
    page.keyboard.press("b")
    drag(page, (-120, 60), (-80, 90))
    page.keyboard.press("Escape")
    expect(page.locator("[data-drawn] li")).to_have_count(1)
    page.reload()
    viewer_ready(page)
    expect(page.locator("[data-drawn] li")).to_contain_text("Right lower zone")
    page.keyboard.press("l")
    drag(page, (0, 0), (100, 0))
    page.keyboard.press("Escape")
    for key in ("+", "i", "n"):
        page.keyboard.press(key)
    readout = page.locator("[data-stage] [data-readout]")
    expect(readout).to_contain_text("Inverted")
    stood, regions = readout.inner_text(), drawn(page)
    page.get_by_role("button", name="Keep it and show the result").click()
    expect(page.locator(".finding .verdict")).to_contain_text("operating threshold")
    expect(page.locator("#review [data-drawn] li")).to_have_count(1)
    assert np.array_equal(drawn(page), regions)
    expect(page.locator("[data-marks] .mark")).to_have_count(1)
    expect(page.locator("[data-measurements] li")).to_have_count(1)
    expect(readout).to_have_text(stood)
    page.reload()
    expect(page.locator("#review [data-drawn] li")).to_have_count(1)
    page.keyboard.press("u")
    page.get_by_role("button", name="Save review").click()
    expect(page.locator(".reviews .marks li")).to_have_count(1)
    # Saved is saved: taken away from the review it does not come back by itself.
    page.get_by_text("Change your review").click()
    page.locator("[data-undraw]").click()
    page.get_by_role("button", name="Save review").click()
    expect(page.locator(".reviews:not([data-history]) .marks li")).to_have_count(0)
    page.reload()
    expect(page.locator("#review h3")).to_be_visible()
    expect(page.locator("[data-drawn] li")).to_have_count(0)
    read_blind(page, False)


def test_the_first_case_is_walked_with_enter_alone(open_page):
    page = open_page("/first-case/", width=360, height=740)
    for number in range(1, 6):
        expect(page.locator(".guide")).to_contain_text(f"step {number} of 5")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.locator(".guide :focus").wait_for()
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    expect(page.get_by_text("New here?")).to_have_count(0)
