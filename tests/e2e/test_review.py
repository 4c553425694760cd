"""A reader's word and a signed report, by keyboard and on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e


def open_result(page: Page) -> None:
    """The first study of the worklist that has a number."""
    page.get_by_role("link", name=re.compile("normal_|pneumonia_")).first.click()
    expect(page.locator("#review h3")).to_be_visible()


def test_a_review_in_one_key(open_page):
    page = open_page("/")
    open_result(page)
    page.keyboard.press("h")
    page.keyboard.press("d")
    form = page.locator("[data-review]")
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
    page = open_page("/sites/main/")
    page.get_by_label("Blinded reading").check()
    page.get_by_role("button", name="Save").click()
    page.goto("/")
    expect(page.locator("#filters [name=result]")).to_have_count(0)
    page.get_by_role("link", name=re.compile("pneumonia_")).nth(1).click()
    expect(page.get_by_role("heading", name="What do you see?")).to_be_visible()
    expect(page.get_by_text("Likely pneumonia")).to_have_count(0)
    page.wait_for_load_state()
    page.keyboard.press("n")
    expect(page.get_by_label("No pneumonia")).to_be_checked()
    page.get_by_label("How sure are you?").select_option("4")
    page.get_by_role("button", name="Keep it and show the result").click()
    expect(page.locator(".panel .verdict")).to_contain_text("operating threshold")
    expect(page.locator("#review")).to_contain_text("Your impression before the result")
    page.goto("/sites/main/")
    page.get_by_label("Blinded reading").uncheck()
    page.get_by_role("button", name="Save").click()


def test_the_first_case_is_walked_with_enter_alone(open_page):
    page = open_page("/first-case/", width=360, height=740)
    for number in range(1, 6):
        expect(page.locator(".guide")).to_contain_text(f"step {number} of 5")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.locator(".guide :focus").wait_for()
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    expect(page.get_by_text("New here?")).to_have_count(0)
