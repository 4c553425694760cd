"""Every language in a real browser: chosen in the menu, read on the worklist and the study."""

import re

import pytest
from django.conf import settings
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
NARROW = 360
# Every sentence of the page, 40 % longer.
LENGTHEN = """() => {
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const words = node.data.trim();
    if (/\\p{L}{2}/u.test(words) && !node.parentElement.closest("script, style, svg, option")) {
      node.data += " " + words.slice(0, Math.ceil(0.4 * words.length));
    }
  }
}"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def change_to(page, language):
    page.locator("details.menu > summary").click()
    page.locator("select[name=language]").select_option(language)
    page.locator("form.language button").click()
    expect(page.locator("html")).to_have_attribute("lang", language)


@pytest.fixture
def page(open_page):
    page = open_page("/", width=NARROW, height=740)
    yield page
    page.goto("/account/")
    change_to(page, settings.LANGUAGE_CODE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_worklist_and_study_fit_a_phone_in_each_language(page, language):
    change_to(page, language)
    study = page.locator("a.open").first.get_attribute("href")
    for address in ("/", study):
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator(".foot strong")).not_to_have_text(re.compile("Research use only"))
        assert page.evaluate(SIDEWAYS) <= 0
        page.evaluate(LENGTHEN)
        assert page.evaluate(SIDEWAYS) <= 0
