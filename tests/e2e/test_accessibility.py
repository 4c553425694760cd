"""Every page a person can reach, by axe and by its width: WCAG 2.2 AA, dark, light and on a phone.

Nothing is excused.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from django.urls import resolve
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e.conftest import PATIENCE, Server, environment
from web.addresses import view_names

pytestmark = pytest.mark.e2e

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What a change of colours alone can spoil, and what a change of width can.
IN_LIGHT = ["color-contrast"]
ON_A_PHONE = ["target-size", "scrollable-region-focusable"]
NOWHERE = "/nothing/"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LIGHT = "document.documentElement.dataset.theme = 'light'"


@dataclass(frozen=True)
class Furnished:
    """What `furnish.py` made: each person's cookie, each page's address."""

    cookies: dict[str, str]
    paths: dict[str, str]


@pytest.fixture(scope="module")
def furnished(server: Server) -> Furnished:
    script = Path(__file__).with_name("furnish.py")
    paths = os.pathsep.join([str(script.parents[1]), *sys.path])
    settings = environment(server.home) | {"PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, str(script)], env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Furnished(**json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def windows(
    browser: Browser, server: Server, furnished: Furnished
) -> Iterator[dict[str, BrowserContext]]:
    """For each person one window, and one for nobody: what it has fetched it keeps."""

    def window(cookie: str = "") -> BrowserContext:
        context = browser.new_context(
            base_url=server.address,
            viewport=DESK,
            reduced_motion="reduce",  # so that no colour is measured on its way to another
            service_workers="block",
        )
        context.set_default_timeout(PATIENCE)
        if cookie:
            cookies = [{"name": "sessionid", "value": cookie, "url": server.address}]
            context.add_cookies(cookies)
        return context

    made = {"": window(), **{who: window(cookie) for who, cookie in furnished.cookies.items()}}
    yield made
    for context in made.values():
        context.close()


Step = Callable[[Page], Any]


def press(key: str) -> Step:
    return lambda page: page.keyboard.press(key)


def click(selector: str) -> Step:
    return lambda page: page.locator(selector).first.click()


def see(selector: str) -> Step:
    return lambda page: expect(page.locator(selector).first).to_be_visible()


def send(selector: str) -> Step:
    """A form with nothing right in it, past the browser's own word."""

    def submit(page: Page) -> None:
        form = page.locator(selector)
        form.evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
        expect(page.locator(".error, .notice.alarm").first).to_be_visible()

    return submit


def opened(page: Page) -> None:
    """Whatever folds, unfolded."""
    page.locator("main details").evaluate_all("all => all.forEach(e => { e.open = true; })")


def choose_rows(page: Page) -> None:
    page.locator(".choose").first.check(force=True)
    expect(page.locator(".selection")).to_be_visible()


def invite(page: Page) -> None:
    opened(page)
    page.locator("input[name=username]").fill("invited")
    page.locator("form:has(input[name=username]) button.primary").click()


def make_token(page: Page) -> None:
    opened(page)
    page.locator("input[name=name]").fill("archive")
    page.locator("form:has(input[name=name]) button.primary").click()


def lock(page: Page) -> None:
    page.route("**/session/lock/", lambda route: route.fulfill(status=204))
    page.locator("details.menu > summary").click()
    page.locator("form[data-lock-now] button").click()
    expect(page.locator("dialog#lock")).to_be_visible()


# Name: who looks, the address (or what `furnish.py` calls it), and what is done there first.
PAGES: dict[str, tuple[str, str, tuple[Step, ...]]] = {
    "signing in": ("", "/login/", ()),
    "signing in failed": ("", "/login/", (send("main form:has([name=login])"),)),
    "second factor asked for": ("half", "/account/factors/authenticate/", ()),
    "welcome": ("", "welcome", ()),
    "a link that is over": ("", "/welcome/Nw/over/", ()),
    "single sign-on cancelled": ("", "/sso/cancelled/", ()),
    "single sign-on failed": ("", "/sso/error/", ()),
    "account inactive": ("", "/account/inactive/", ()),
    "offline": ("", "/offline/", ()),
    "worklist": ("keeper", "/", (see(".row"),)),
    "worklist, rows chosen": ("keeper", "/", (choose_rows,)),
    "worklist, filtered": ("keeper", "/?result=positive", (opened,)),
    "worklist, none found": ("keeper", "/?q=nobody", ()),
    "worklist, empty": ("bare", "/", ()),
    "keys": ("keeper", "/", (press("?"), see("dialog#keys"))),
    "menu": ("keeper", "/", (click("details.menu > summary"),)),
    "lock over a page": ("keeper", "/", (lock,)),
    "locked": ("locked", "/", ()),
    "upload": ("keeper", "/upload/", (opened,)),
    "study": ("keeper", "found", (see("#review h3"), opened)),
    "study, heatmap and keys": (
        "keeper",
        "found",
        (see("[data-viewer=ready]"), press("h"), press("?")),
    ),
    "study, no finding": ("keeper", "clear", (see("#review h3"),)),
    "study, rejected": ("keeper", "refused", ()),
    "study, failed": ("keeper", "failed", ()),
    "study, waiting": ("keeper", "waiting", ()),
    "study, blinded": ("blinded", "unseen", (see("[data-viewer=ready]"),)),
    "first case": ("keeper", "/first-case/", (see(".guide"),)),
    "reviews": ("keeper", "/reviews/", ()),
    "reviews, empty": ("bare", "/reviews/", ()),
    "report, draft": ("keeper", "found.report", ()),
    "report, signed": ("keeper", "clear.report", ()),
    "dashboard": ("keeper", "/dashboard/", ()),
    "dashboard, empty": ("bare", "/dashboard/", ()),
    "models": ("keeper", "/models/", ()),
    "model": ("keeper", "model", (opened,)),
    "arrivals": ("keeper", "/incoming/", ()),
    "arrivals, empty": ("bare", "/incoming/", ()),
    "peers": ("keeper", "/incoming/peers/", (opened,)),
    "peer": ("keeper", "peer", ()),
    "rules": ("keeper", "/incoming/rules/", (opened,)),
    "rule": ("keeper", "rule", ()),
    "questions": ("keeper", "/incoming/pulls/", (opened,)),
    "question": ("keeper", "pull", ()),
    "destinations": ("keeper", "/outgoing/", (opened,)),
    "destinations, empty": ("bare", "/outgoing/", ()),
    "a destination refused": ("bare", "/outgoing/", (send("main form.fields"),)),
    "destination": ("keeper", "destination", ()),
    "deliveries": ("keeper", "/outgoing/deliveries/", ()),
    "deliveries, empty": ("bare", "/outgoing/deliveries/", ()),
    "audit": ("keeper", "/audit/", ()),
    "audit, none found": ("keeper", "/audit/?about=nobody", ()),
    "people": ("keeper", "/people/", (opened,)),
    "invitation": ("keeper", "/people/", (invite, see("input[readonly]"))),
    "person": ("keeper", "person", ()),
    "sites": ("keeper", "/sites/", (opened,)),
    "site": ("keeper", "/sites/furnished/", ()),
    "account": ("keeper", "/account/", (opened,)),
    "token, shown once": ("keeper", "/account/", (make_token, see("input[readonly]"))),
    "password": ("keeper", "/account/password/", ()),
    "factors": ("keeper", "/account/factors/", ()),
    "recovery codes": ("keeper", "/account/factors/recovery-codes/", ()),
    "new recovery codes": ("keeper", "/account/factors/recovery-codes/generate/", ()),
    "authenticator app": ("bare", "/account/factors/totp/activate/", ()),
    "authenticator app removed": ("keeper", "/account/factors/totp/deactivate/", ()),
    "passkeys": ("keeper", "/account/factors/webauthn/", ()),
    "passkeys, none": ("bare", "/account/factors/webauthn/", ()),
    "new passkey": ("keeper", "/account/factors/webauthn/add/", ()),
    "passkey": ("keeper", "key.edit", ()),
    "passkey removed": ("keeper", "key.remove", ()),
    "confirming": ("keeper", "/account/confirm/", ()),
    "confirming by code": ("keeper", "/account/factors/reauthenticate/", ()),
    "confirming by passkey": ("keeper", "/account/factors/webauthn/reauthenticate/", ()),
    "signing out": ("keeper", "/logout/", ()),
    "not found": ("keeper", NOWHERE, ()),
    "not allowed": ("blinded", "/people/", ()),
}


def address_of(furnished: Furnished, name: str) -> str:
    key, _, rest = name.partition(".")
    return furnished.paths[key] + rest + "/" * bool(rest) if key in furnished.paths else name


# No pages: parts of one, files, what forms are sent to, what programs ask.
NO_PAGES = {
    *("studies:worklist_rows", "studies:selection", "studies:saved_view", "studies:export"),
    *("studies:uploads", "studies:upload_file", "studies:study_patient", "studies:image_describe"),
    *("studies:image_panel", "studies:impression", "studies:image_rendered"),
    *("studies:image_heatmap", "studies:image_pixels", "studies:image_priors"),
    *("studies:image_thumbnail", "reviews:review", "reviews:review_save", "reviews:similar"),
    *("reviews:chosen_reports", "reviews:report_write", "reviews:report_add"),
    *("reviews:report_pdf", "reviews:report_json"),
    *("people:role", "people:step", "people:language", "people:working_site", "people:sessions"),
    *("people:tokens", "people:token_end"),
    *("people:session", "people:session_lock", "people:session_unlock", "audit:export"),
    *("incoming:arrival_retry", "incoming:peer_delete", "incoming:rule_delete"),
    *("incoming:pull_delete", "outgoing:destination_test", "outgoing:results_retry"),
    *("outgoing:delivery_resend", "outgoing:dead_resend"),
    *("openid_connect_login", "openid_connect_callback"),
    *("mfa_login_webauthn", "mfa_download_recovery_codes"),
    *("healthz", "manifest", "service_worker"),
}
FOR_PROGRAMS = ("api:", "dicomweb:", "fhir:", "gateway:")


def test_no_page_is_forgotten(furnished: Furnished) -> None:
    asked = [address_of(furnished, address) for _, address, _ in PAGES.values()]
    seen = {resolve(urlsplit(each).path).view_name for each in asked if each != NOWHERE}
    there = {name for name in view_names() if not name.startswith(FOR_PROGRAMS)}
    assert seen & NO_PAGES == set()
    assert seen | NO_PAGES == there


def found(page: Page, rules: list[str]) -> str:
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    results = AxeResults(page.evaluate("options => axe.run(options)", options))
    return results.generate_report() if results.violations_count else ""


def check(page: Page) -> None:
    """Once each part that is fetched by itself is there."""
    expect(page.locator("[hx-trigger=load] .skeleton")).to_have_count(0)
    page.evaluate(Axe().axe_script)
    said = {"dark": found(page, WCAG)}
    page.evaluate(LIGHT)
    said["light"] = found(page, IN_LIGHT)
    page.set_viewport_size(PHONE)
    said["phone"] = found(page, ON_A_PHONE)
    assert {when: words for when, words in said.items() if words} == {}
    assert page.evaluate(SIDEWAYS) <= 0
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_for_everybody(
    windows: dict[str, BrowserContext], furnished: Furnished, name: str
) -> None:
    who, address, steps = PAGES[name]
    page = windows[who].new_page()
    page.goto(address_of(furnished, address))
    for step in steps:
        step(page)
    check(page)


SELDOM = ["400", "403_csrf", "413", "500", "accounts/locked_out", "accounts/not_invited"]


@pytest.mark.parametrize("template", SELDOM)
def test_a_page_seldom_seen_is_for_everybody(
    windows: dict[str, BrowserContext], settings: Any, template: str
) -> None:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    page = windows[""].new_page()
    html = render_to_string(f"{template}.html")
    page.route("**/seldom/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("/seldom/")
    check(page)


@pytest.mark.parametrize("address", ["/", "found", "/dashboard/", "/people/"])
def test_a_page_read_from_the_right_mirrors(
    windows: dict[str, BrowserContext], furnished: Furnished, address: str
) -> None:
    page = windows["keeper"].new_page()
    page.goto(address_of(furnished, address))
    page.evaluate("document.documentElement.dir = 'rtl'")
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        brand = page.locator(".brand").bounding_box()
        assert brand["x"] + brand["width"] > size["width"] - 24
        assert page.evaluate(SIDEWAYS) <= 0
    page.close()
