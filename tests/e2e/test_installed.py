"""As an installed web app: may be installed, says when the server is gone, keeps no study."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.e2e

PATIENCE = 120_000
CONTROLLED = """() => navigator.serviceWorker.ready.then(ready => new Promise(done => {
    if (navigator.serviceWorker.controller) return done(ready.scope);
    navigator.serviceWorker.oncontrollerchange = () => done(ready.scope);
}))"""
# Every address that the device keeps, of whatever cache.
KEPT = """async () => {
    const kept = [];
    for (const name of await caches.keys())
        for (const request of await (await caches.open(name)).keys())
            kept.push(new URL(request.url).pathname);
    return kept;
}"""


class Wire:
    """Between browser and server on a port of its own, so that it can be cut."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.server = (parts.hostname, parts.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                far = socket.create_connection(self.server)
                self.open += [near, far]
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        with selectors.DefaultSelector() as ready, contextlib.suppress(OSError, ValueError):
            for end in other:
                ready.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        return near.close(), far.close()
                    other[key.fileobj].sendall(data)

    def cut(self) -> None:
        for each in [self.listener, *self.open]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def wire(server) -> Iterator[Wire]:
    wire = Wire(server.address)
    yield wire
    wire.cut()


@pytest.fixture
def installed(browser: Browser, wire: Wire, signed_in) -> Iterator[Callable[[str], Page]]:
    """A signed-in page through the wire, controlled by the worker."""
    context = browser.new_context(base_url=wire.address, storage_state=signed_in)
    context.set_default_timeout(PATIENCE)

    def make(path: str) -> Page:
        page = context.new_page()
        page.goto(path)
        assert page.evaluate(CONTROLLED) == f"{wire.address}/"
        return page

    yield make
    context.close()


def test_a_browser_offers_to_install_it(installed):
    page = installed("/")
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"].endswith("/manifest.webmanifest")
    assert manifest["errors"] == []
    # A browser context of a test is private, in which nothing is installed.
    errors = {
        each["errorId"]
        for each in session.send("Page.getInstallabilityErrors").get("installabilityErrors")
    }
    assert errors <= {"in-incognito"}
    loads = """async icons => Promise.all(icons.map(async ({src, sizes}) => {
        const image = new Image();
        image.src = src;
        await image.decode();
        return `${image.naturalWidth}x${image.naturalHeight}` === sizes;
    }))"""
    icons = page.evaluate("fetch('/manifest.webmanifest').then(a => a.json()).then(m => m.icons)")
    assert page.evaluate(loads, icons) == [True] * 3


def test_without_a_server_the_page_says_so_and_nothing_of_a_study_is_kept(installed, wire):
    page = installed("/")
    page.locator("#rows a.open").first.click()
    expect(page.locator(".finding .verdict")).to_be_visible()
    study = page.url
    kept = page.evaluate(KEPT)
    assert "/offline/" in kept
    assert all(each == "/offline/" or each.startswith("/static/pneumoscope/") for each in kept)
    wire.cut()
    page.goto(study)
    expect(page.get_by_role("heading", name="The server does not answer")).to_be_visible()
    expect(page.get_by_text("Research use only")).to_be_visible()
    # Its own styles and marks are there.
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(11, 13, 16)"
    assert page.get_by_role("link", name="Try again").evaluate("link => link.href") == study
