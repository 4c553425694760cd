"""The lock, second factors and passkeys, as a person meets them."""

import re

import pytest
from playwright.sync_api import Page, expect

PATIENCE = 120_000

pytestmark = pytest.mark.e2e


@pytest.fixture
def password(server) -> str:
    return server.password


def locked(page: Page):
    return page.locator("dialog#lock")


def lock_by_menu(page: Page) -> None:
    page.locator("details.menu > summary").click()
    # The page locks before the server has heard of it: other windows learn it from the server.
    with page.expect_response("**/session/lock/"):
        page.get_by_role("button", name="Lock").click()
    expect(locked(page)).to_be_visible()


def unlock(page: Page, password: str) -> None:
    locked(page).get_by_label("Password").fill(password)
    locked(page).get_by_role("button", name="Unlock").click()


@pytest.mark.parametrize("width", [1440, 360])
def test_the_lock_keeps_what_was_typed(open_page, password, width):
    page = open_page("/", width=width, height=740)
    search = page.get_by_label("Search by patient, accession, study or file name")
    search.fill("half a word")
    lock_by_menu(page)
    expect(page.locator("#main")).to_have_css("visibility", "hidden")
    expect(page).to_have_title(re.compile("Locked"))
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(locked(page)).to_be_visible()
    unlock(page, "a guess")
    expect(locked(page)).to_contain_text("not your password")
    unlock(page, password)
    expect(locked(page)).to_be_hidden()
    expect(search).to_have_value("half a word")
    expect(page.locator("#main")).to_have_css("visibility", "visible")


def test_a_page_left_alone_locks_by_itself(open_page, password):
    page = open_page("/account/")
    page.clock.install()
    page.reload()
    page.get_by_label("Name").first.evaluate("e => { e.closest('details').open = true; }")
    page.locator("input[name=name]").fill("my archive")
    page.clock.fast_forward("14:00")
    expect(locked(page)).to_be_hidden()
    with page.expect_response("**/session/lock/"):
        page.clock.fast_forward("02:00")
    expect(locked(page)).to_be_visible()
    assert (
        page.evaluate("fetch('/rows/', {headers: {'HX-Request': 'true'}}).then(r => r.status)")
        == 401
    )
    unlock(page, password)
    expect(locked(page)).to_be_hidden()
    expect(page.locator("input[name=name]")).to_have_value("my archive")


def test_two_windows_lock_and_open_together(open_page, password):
    one, two = open_page("/"), open_page("/models/")
    lock_by_menu(one)
    two.evaluate("document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
    expect(locked(two)).to_be_visible()
    unlock(two, password)
    expect(locked(two)).to_be_hidden()
    one.evaluate("dispatchEvent(new Event('focus'))")
    expect(locked(one)).to_be_hidden()


def test_a_passkey_signs_in(open_page, browser, server, password):
    """With the browser's own virtual authenticator, on the name that passkeys accept."""
    context = browser.new_context(base_url=server.address.replace("127.0.0.1", "localhost"))
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True}
    options |= {"automaticPresenceSimulation": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/account/factors/webauthn/add/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    main = page.locator("#main")
    main.get_by_label("Password").fill(password)
    main.get_by_role("button", name="Confirm").click()
    main.locator("input[name=name]").fill("this machine")
    main.locator("input[name=passwordless]").check()
    main.get_by_role("button", name="Add").click()
    expect(page.get_by_text("recovery codes").first).to_be_visible()
    page.goto("/account/factors/webauthn/")
    expect(page.get_by_text("this machine")).to_be_visible()
    page.locator("details.menu > summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.goto("/account/factors/webauthn/")
    main.get_by_role("link", name="Remove").click()
    main.get_by_label("Password").fill(password)
    main.get_by_role("button", name="Confirm").click()
    main.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("this machine")).to_be_hidden()
    context.close()
